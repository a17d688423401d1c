/** Nearly valid Arrow streams: each row is told or refused, and no length that lies makes the reader loop or allocate. */
import { expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { readArrowRows } from '../../../src/readers/arrow-rows.js'
import { streamOfKinds } from '../../oracle/arrow-streams.js'
import { Mutations } from '../../oracle/mutations.js'

const RUNS = Number(process.env.VICINAL_FUZZ_RUNS ?? 5_000)
const ROWS = 12
/** The valid streams have at most two batches, and a change may double one. */
const MOST_ROWS = 100 * ROWS
const BOUNDS = { frameBytes: 16 * 1024 * 1024, hold: () => {}, vectors: ['image', 'tokens', 'words'] }
const MINUTES = 1_800_000

const mutations = new Mutations('Arrow streams')

async function* cut(bytes: Buffer): AsyncGenerator<Buffer> {
  const most = 1 + mutations.below(2_000)
  for (let at = 0; at < bytes.length; at += most) yield bytes.subarray(at, at + most)
}

async function readAll(bytes: Buffer): Promise<number> {
  let count = 0
  for await (const rows of readArrowRows(cut(bytes), BOUNDS)) {
    count += rows.length
    if (count > MOST_ROWS) throw new Error(`more than ${MOST_ROWS} rows`)
    for (const row of rows) if ('error' in row) expect(row.error).toBeInstanceOf(VicinalError)
  }
  return count
}

it(
  `refuses or reads ${RUNS} damaged Arrow streams`,
  async () => {
    const valid = [streamOfKinds(ROWS), streamOfKinds(3, 2)]
    expect(await readAll(valid[0] as Buffer)).toBe(ROWS)
    expect(await readAll(valid[1] as Buffer)).toBe(6)
    let refused = 0
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutations.bytes(valid)
      await readAll(bytes).catch((error: unknown) => {
        if (!(error instanceof VicinalError)) throw new Error(`run ${run}`, { cause: error })
        refused++
      })
    }
    process.stderr.write(`Arrow streams: ${refused} of ${RUNS} refused\n`)
    expect(refused).toBeGreaterThan(RUNS / 2)
  },
  MINUTES,
)

it('ends a stream that is cut at any byte, with its whole batches', async () => {
  const whole = streamOfKinds(2)
  for (let length = 0; length < whole.length; length++) {
    const count = await readAll(whole.subarray(0, length)).catch((error: unknown) => error)
    // Without its end mark a stream is whole too.
    if (typeof count === 'number') expect(count === 0 || count === 2, `cut at ${length}`).toBe(true)
    else expect(count, `cut at ${length}`).toBeInstanceOf(VicinalError)
  }
})
