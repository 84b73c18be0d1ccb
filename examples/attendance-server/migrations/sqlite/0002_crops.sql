-- 1 if the consent also covers the small pictures of the face from which templates were made.
ALTER TABLE consent ADD COLUMN keeps_crops BIGINT NOT NULL DEFAULT 0;

-- Sealed: the aligned face as a JPEG, if the consent covers it, so that other models can embed it again.
ALTER TABLE template ADD COLUMN crop BLOB;
