/**
 * Makes the collection `swapped` be as one snapshot says, then as another, …, and takes snapshots of it between; prints
 * the number of each change that was acknowledged, until it is killed.
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
