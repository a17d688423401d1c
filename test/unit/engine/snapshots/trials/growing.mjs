// Takes memory that it uses, without an end.
const taken = []
process.once('message', () => setInterval(() => taken.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5))
