// Takes the task and never says a word.
process.once('message', () => setInterval(() => {}, 1_000))
