// Takes the task and never answers.
process.once('message', () => setInterval(() => {}, 1_000))
