/**
 * Runs the script of added and dropped vectors, and marks the beginning and the acknowledgement of each step.
 *
 *     vector-changer <folder> <file for marks>
 */
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../../../src/index.js'
import { COLLECTION, SCRIPT } from '../../oracle/vector-script.js'

/** Longer than two ticks of the background work. */
const REST_MS = 1_200

const [folder = '', marksFile = ''] = process.argv.slice(2)
const marks = openSync(marksFile, 'a')
let database = await open(folder)
for (const [at, step] of SCRIPT.entries()) {
  writeSync(marks, `begin ${at}`)
  // The background work goes by the clock.
  if (step === 'rest') await sleep(REST_MS)
  else if (step === 'reopen') {
    await database.close()
    database = await open(folder)
  } else await step.run(database, at === 0 ? (null as never) : await database.collection(COLLECTION))
  writeSync(marks, `done ${at}`)
}
await database.close()
process.stdout.write(`${JSON.stringify({ steps: SCRIPT.length })}\n`)
