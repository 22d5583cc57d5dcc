"""Recall: one joint Hamming space in which words and pictures are found by each other, and files that can be repaired.

    bits.py       how codes are packed, and how far apart two are
    hashers/      features of pictures and words to binary codes
    index/        the nearest codes, exactly, by NumPy, FAISS or Milvus
    features.py   a collection as hashers need it
    companions.py what VTPH puts beside a caption
    labels.py     which keywords, or words of captions, say something
    search.py     a collection's pictures by words or by a picture
    ranking.py    how good a ranking is: mAP and recall, with a rule for ties
    codes/        error-correcting codes, written out to be read
    repair/       weights that survive a damaged disk

A reader begins with `search.py`, where everything above it comes together.
"""
