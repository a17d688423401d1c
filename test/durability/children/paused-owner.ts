/**
 * Opens a store's database for writing and writes once. Then it writes once more for each line of its input, and says
 * what became of it.
 *
 *     paused-owner <address> <minAgeMs>
 */
import { createInterface } from 'node:readline'
import { parseStore } from '../../../src/bucket/address.js'
import { Group } from '../../../src/bucket/group.js'

const [address, minAgeMs] = process.argv.slice(2)
const group = await Group.open(parseStore(address), { minAgeMs: Number(minAgeMs) })
await group.write({ puts: [[Buffer.from('c/first'), Buffer.from('1')]] })
process.stdout.write('ready\n')
for await (const name of createInterface(process.stdin)) {
  const outcome = await group.write({ puts: [[Buffer.from(name), Buffer.from('1')]] }).then(
    () => 'acknowledged',
    (error) => `refused: ${error.message}`,
  )
  process.stdout.write(`${outcome}\n`)
}
process.exit(0)
