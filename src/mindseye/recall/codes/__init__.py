"""Error-correcting codes, written out to be read; tested by trying every error there is.

    hamming.py   Hamming(7, 4) and its longer sisters: one wrong bit is corrected
    secded.py    SECDED(72, 64): one is corrected, two are noticed
    field.py     GF(2^m), the arithmetic of what follows
    bch.py       BCH: as many wrong bits as it was made for
    centres.py   hash centres: codes as far from each other as can be

None of them is between you and your codes: a flipped bit changes a Hamming distance by one, which a search survives.
Files are protected by `mindseye.recall.repair`.
"""
