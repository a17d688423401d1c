import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { COLLECTION, observed, SCRIPT, stateAfter, textOf } from '../oracle/vector-script.js'
import { childOutcome, inScratch } from './child.js'
import { messageOf } from './power-loss-run.js'
import { shimmed } from './shim/place.js'
import { choiceOf, KEEP_EVERYTHING, PowerLossDisk } from './shim/power-loss.js'
import { readTrace, type TraceEvent } from './shim/trace.js'
import { scaled, scaledMinutes } from './soak.js'

const MOMENTS = scaled(60)

async function recorded(scratch: string): Promise<readonly TraceEvent[]> {
  const { place, control, env } = shimmed(scratch)
  control.set(['record', 'noRealSync'])
  await childOutcome('vector-changer', [join(place.root, 'data'), place.marks], env)
  control.close()
  return readTrace(place.trace)
}

/** Opens the remaining data, continues the script from there, then checks once more. */
async function check(folder: string, acknowledged: number, begun: number, goesOn: boolean): Promise<void> {
  let database = await open(folder)
  try {
    const possible = [acknowledged, begun].map((done) => textOf(stateAfter(done)))
    if (begun === 0 || (acknowledged === 0 && !(await database.hasCollection(COLLECTION)))) return
    const seen = textOf(await observed(await database.collection(COLLECTION)))
    expect(possible.map((text) => digest(text))).toContain(digest(seen))
    if (!goesOn) return
    const from = possible[1] === seen ? begun : acknowledged
    const collection = await database.collection(COLLECTION)
    for (const step of SCRIPT.slice(from)) if (typeof step === 'object') await step.run(database, collection)
    await database.close()
    database = await open(folder)
    const after = textOf(await observed(await database.collection(COLLECTION)))
    expect(digest(after)).toEqual(digest(textOf(stateAfter(SCRIPT.length))))
  } finally {
    await database.close()
  }
}

/** Names in full, and enough of the points to show a difference. */
function digest(text: string): string {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 4_294_967_291
  return `${text.slice(0, 200)}… ${text.length} ${sum}`
}

describe('vectors that are added and dropped', () => {
  it(
    `are present completely or not at all after a kill or a power cut at ${MOMENTS} moments`,
    async () => {
      const seed = runSeed('vectors added and dropped')
      const random = new Random(seed)
      await inScratch(async (scratch) => {
        const events = await recorded(scratch)
        const disk = new PowerLossDisk()
        const moments = new Set(random.distinct(MOMENTS, events.length))
        let [begun, acknowledged, looked] = [0, 0, 0]
        for (const [at, event] of events.entries()) {
          disk.apply(event)
          if (event.kind === 'mark') {
            const [what, step] = event.text.split(' ')
            if (what === 'begin') begun = Number(step) + 1
            else acknowledged = Number(step) + 1
          }
          if (!moments.has(at)) continue
          const folder = join(scratch, `crash-${at}`)
          // A kill keeps everything written, a power cut some of it.
          disk.rebuild(folder, looked % 2 === 0 ? KEEP_EVERYTHING : choiceOf(random))
          try {
            await check(join(folder, 'data'), acknowledged, begun, looked++ % 10 === 0)
          } catch (cause) {
            throw new Error(
              `event ${at} of ${events.length}, steps ${acknowledged} to ${begun}, seed ${seed}: ${messageOf(cause)}`,
              { cause },
            )
          }
          rmSync(folder, { recursive: true, force: true })
        }
        expect(acknowledged).toBe(SCRIPT.length)
      })
    },
    scaledMinutes(6),
  )
})
