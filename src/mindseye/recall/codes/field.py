"""GF(2^m): numbers of m bits that can be added, multiplied and divided. Adding is exclusive or.

Every number but 0 is a power of one number, a (here 2), so a product is a sum of exponents.
"""

from __future__ import annotations

# A primitive polynomial of each degree m, as bits: those of Lin and Costello 2004, table 2.7.
PRIMITIVE = {2: 0b111, 3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10001001, 8: 0b100011101}


class Field:
    """The field with 2^m numbers.

    Attributes:
        order: 2^m - 1, after which the powers of a repeat.
        power: a^i for i from 0 to order - 1.
        log: i for a^i; `log[0]` means nothing.
    """

    def __init__(self, m: int) -> None:
        self.order = 2**m - 1
        self.power = [1]
        for _ in range(self.order - 1):
            doubled = self.power[-1] << 1
            self.power.append(doubled ^ PRIMITIVE[m] if doubled >> m else doubled)
        self.log = [0] * (self.order + 1)
        for exponent, value in enumerate(self.power):
            self.log[value] = exponent

    def times(self, x: int, y: int) -> int:
        return self.power[(self.log[x] + self.log[y]) % self.order] if x and y else 0

    def over(self, x: int, y: int) -> int:
        """x / y; y is not 0."""
        return self.power[(self.log[x] - self.log[y]) % self.order] if x else 0

    def value(self, coefficients: list[int], exponent: int) -> int:
        """The polynomial c_0 + c_1 x + c_2 x^2 ... at x = a^exponent."""
        total = 0
        for degree, coefficient in enumerate(coefficients):
            if coefficient:
                total ^= self.power[(self.log[coefficient] + degree * exponent) % self.order]
        return total

    def minimal_polynomial(self, exponent: int) -> int:
        """The polynomial over GF(2), as bits, of least degree whose root is a^exponent.

        Its roots are the conjugates a^e, a^2e, a^4e, ...; the product of (x + root) over them has coefficients 0 and 1.
        """
        conjugates = {exponent * 2**i % self.order for i in range(len(bin(self.order)))}
        product = [1]
        for conjugate in conjugates:
            root = self.power[conjugate]
            raised = [0, *product]
            product = [a ^ self.times(root, b) for a, b in zip(raised, [*product, 0], strict=True)]
        return sum(coefficient << degree for degree, coefficient in enumerate(product))
