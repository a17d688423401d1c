// Allocates memory without end and uses it.
const taken = []
process.once('message', () => setInterval(() => taken.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5))
