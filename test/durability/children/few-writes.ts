/**
 * Creates a collection, writes a few records and dies. Its log ends with two small records: a batch of two points and a
 * delete of one.
 *
 *     few-writes <folder>
 */
import { open } from '../../../src/index.js'

const database = await open(process.argv[2] ?? '')
const few = await database.createCollection('few', { vectors: { size: 2, distance: 'Dot' } })
const point = (id: number) => ({ id, vector: [id, 1], payload: { n: id } })
await few.upsert([1, 2, 3].map(point))
await few.upsert([4, 5].map(point))
await few.delete([2])
process.kill(process.pid, 'SIGKILL')
