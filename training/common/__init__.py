"""What every training shares: data, faces, teachers, checkpoints and the export."""
