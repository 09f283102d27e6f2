"""What cells learn: tasks, trials with one small budget, the store and the page of results."""
