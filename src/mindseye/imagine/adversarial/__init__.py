"""What families with a rival that learns beside them share: `blocks.py` (how a picture is grown and looked at),
`stages.py` (their sizes) and `augment.py` (how pictures are changed before the rival sees them)."""
