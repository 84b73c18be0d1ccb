# %% [markdown]
# # facekit in five minutes
#
# Run it as a script, `python five_minutes.py anna.jpg door.jpg`, or cell by cell in an editor or a notebook. It needs
# `pip install facekit` and two photos: a portrait of a person, and a photo in which to find this person.

# %%
import sys

import facekit

portrait, frame = sys.argv[1:3] if len(sys.argv) >= 3 else ("anna.jpg", "door.jpg")

# %% [markdown]
# ## Enroll a person
#
# A gallery in memory is enough for a first try. For real use it is a file: `facekit.Gallery("people.facekit", key=...)`.

# %%
gallery = facekit.Gallery()
recognizer = facekit.Recognizer(gallery=gallery)
report = recognizer.enroll("anna", [portrait], name="Anna")
for photo in report.refused:
    print(f"photo {photo.photo} was not used: {photo}")

# %% [markdown]
# ## Recognize faces
#
# Each face has an outcome. In a notebook, `faces.draw(frame)` shows the faces on the photo.

# %%
faces = recognizer.recognize(frame)
for face in faces:
    if face.outcome == "known":
        print(f"{face.name}: score {face.identity.score:.2f}, false-match rate {face.identity.fmr}")
    elif face.outcome == "unknown":
        print("an unknown person" + (f", the nearest is {face.nearest.person} ({face.nearest.score:.2f})" if face.nearest else ""))
    elif face.outcome == "spoof":
        print(f"a print or a screen: liveness {face.liveness:.2f}")
    else:
        print("not good enough:", "; ".join(map(str, face.issues)))
faces.draw(frame)

# %% [markdown]
# ## Compare two photos

# %%
comparison = recognizer.verify(portrait, frame)
if comparison.unusable:
    print(f"the photos cannot be compared: {comparison.unusable}")
else:
    print("same" if comparison else "different", f"{comparison.score:.2f}, needed {comparison.threshold:.2f}")

# %% [markdown]
# ## Embeddings

# %%
if comparison:
    vector = recognizer.embed(portrait)[0].values
    print(vector.shape, vector.dtype, "of", recognizer.space)
