/** Nearly valid Arrow streams: each row is told or refused, and no length that lies makes the reader loop or allocate. */
import { expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { readArrowRows } from '../../../src/readers/arrow-rows.js'
import { plainStream, streamOfKinds } from '../../oracle/arrow-streams.js'
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
    if ('columns' in rows) throw new Error('columns were read that nobody asked for')
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

/** Each point as a text, and how many came in columns; or the code of the error that ended the stream. */
async function pointsOf(bytes: Buffer, sizes: ReadonlyMap<string, number>) {
  const points: string[] = []
  let inColumns = 0
  const add = ({ id, vector, payload }: { id: unknown; vector: unknown; payload: unknown }) => {
    const plain = (_: string, value: unknown) =>
      ArrayBuffer.isView(value) ? Array.from(value as Float32Array, String) : value
    points.push(`${id} ${JSON.stringify([vector, payload], plain)}`)
  }
  try {
    for await (const read of readArrowRows(cut(bytes), { ...BOUNDS, sizes })) {
      if ('columns' in read) {
        const { ids, vectors, payloads } = read.columns
        const image = (vectors as Record<string, Float32Array>).image as Float32Array
        inColumns += ids.length
        for (const [row, id] of Array.from(ids as BigUint64Array).entries())
          add({ id, vector: { image: image.subarray(row * 4, row * 4 + 4) }, payload: payloads?.[row] ?? null })
      } else for (const row of read) 'error' in row ? points.push(row.error.message) : add(row.point as never)
    }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { points: error.code, inColumns }
  }
  return { points, inColumns }
}

it(
  `reads ${RUNS} damaged streams as columns as it does row by row`,
  async () => {
    const valid = [plainStream(ROWS), plainStream(40)]
    const sizes = new Map([['image', 4]])
    expect((await pointsOf(valid[0] as Buffer, sizes)).inColumns).toBe(ROWS)
    let inColumns = 0
    let whole = 0
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutations.bytes(valid)
      const [rows, columns] = [await pointsOf(bytes, new Map()), await pointsOf(bytes, sizes)]
      expect(columns.points, `run ${run}`).toEqual(rows.points)
      if (typeof rows.points !== 'string') whole++
      if (columns.inColumns > 0) inColumns++
    }
    process.stderr.write(`Arrow streams: ${whole} of ${RUNS} were whole, ${inColumns} had columns\n`)
    expect(inColumns).toBeGreaterThan(RUNS / 20)
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
