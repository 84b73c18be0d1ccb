mod simulation;
mod stage;
mod threads;
