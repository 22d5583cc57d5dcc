"""Teaching a model a new word from one to five pictures, and taking it back.

    learning.py      what the word says: the change of its states that makes the model expect the pictures
    making.py        `teach` and `unteach`: a model folder that knows the word, and one that does not
    recognising.py   `recognise`: which word, taught or of the collection, a picture shows, and how sure that is

How a prompt with a taught word is read stands in `observe/taught.py`, what it is on disk in `imagine/edits.py`.
"""
