# %% [markdown]
# # facekit in five minutes
#
# Runs as a script, `python five_minutes.py anna.jpg door.jpg`, or cell by cell in an editor or a notebook. It needs
# `pip install facekit` and two photos: one of a person, and one on which that person is to be found.

# %%
import sys

import facekit

portrait, frame = sys.argv[1:3] if len(sys.argv) >= 3 else ("anna.jpg", "door.jpg")

# %% [markdown]
# ## Who is known
#
# A gallery in memory is enough to try things. In earnest it is a file: `facekit.Gallery("people.facekit", key=...)`.

# %%
gallery = facekit.Gallery()
recognizer = facekit.Recognizer(gallery=gallery)
report = recognizer.enroll("anna", [portrait], name="Anna")
for photo in report.refused:
    print(f"photo {photo.photo} was not used: {photo}")

# %% [markdown]
# ## Who is there
#
# Each face has an outcome. In a notebook, `faces.draw(frame)` shows them on the photo.

# %%
faces = recognizer.recognize(frame)
for face in faces:
    if face.outcome == "known":
        print(f"{face.name}: score {face.identity.score:.2f}, false-match rate {face.identity.fmr}")
    elif face.outcome == "unknown":
        print("a stranger" + (f", nearest is {face.nearest.person} ({face.nearest.score:.2f})" if face.nearest else ""))
    elif face.outcome == "spoof":
        print(f"a print or a screen: liveness {face.liveness:.2f}")
    else:
        print("not good enough:", "; ".join(map(str, face.issues)))
faces.draw(frame)

# %% [markdown]
# ## The same person?

# %%
comparison = recognizer.verify(portrait, frame)
if comparison.unusable:
    print(f"cannot be compared: {comparison.unusable}")
else:
    print("same" if comparison else "different", f"{comparison.score:.2f}, needed {comparison.threshold:.2f}")

# %% [markdown]
# ## The vectors

# %%
if comparison:
    vector = recognizer.embed(portrait)[0].values
    print(vector.shape, vector.dtype, "of", recognizer.space)
