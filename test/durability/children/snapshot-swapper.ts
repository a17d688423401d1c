/**
 * Replaces the collection `swapped` by one snapshot, then by another, and so on, and takes snapshots in between. Prints
 * the number of each acknowledged change, until it is killed.
 *
 *     snapshot-swapper <folder> <snapshot of even changes> <of odd ones>
 */
import { open } from '../../../src/index.js'

const [folder = '', ...names] = process.argv.slice(2)
const database = await open(folder)
for (let change = 0; ; change++) {
  const location = `file://${folder}/snapshots/${names[change % 2]}`
  const collection = await database.recoverCollection('swapped', { location })
  process.stdout.write(`${change}\n`)
  const { name } = await collection.snapshots.create()
  await collection.snapshots.delete(name)
}
