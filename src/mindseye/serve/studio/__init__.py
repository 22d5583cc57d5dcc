"""The studio: pages for people with a browser, on the server and the service that programs use.

Gradio draws the pages and brings what is clicked; everything else is ours. Read `app.py` (which pages there are and how
they come to the server), `door.py` (what of gradio is let through), then a page: `draw.py` is the first.

    rooms.py      what the pages stand on, and who may change anything
    drawing.py    a request's news, as what a page shows meanwhile
    parts.py      the parts that gradio has none of: picture cards, a place to drop a picture, a canvas for masks
    look.py       colours and letters
    page/         styles and scripts       templates/    what is shown, in which text is never markup

No picture is written to a disk on its way: a browser sends and gets it inside the page, and it comes in through the one
safe opener.
"""
