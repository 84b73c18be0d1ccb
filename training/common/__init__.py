"""Code that all trainings share: data, faces, teachers, checkpoints and the export."""
