import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { open } from '../../src/index.js'

const run = promisify(execFile)
const ENTRY = join(import.meta.dirname, '../../dist/index.js')
const ARROW = createRequire(import.meta.url)
  .resolve('apache-arrow')
  .replace(/\.js$/, '.mjs')

/** Loaded first into every thread: records on which thread Arrow is written and read. */
const PROBE = `
import { RecordBatchFileWriter, RecordBatchReader } from ${JSON.stringify(ARROW)}
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
const note = (what) => appendFileSync(process.env.SEEN, what + (isMainThread ? ' on the main thread\\n' : ' in a worker\\n'))
const { writeAll } = RecordBatchFileWriter
RecordBatchFileWriter.writeAll = function (...args) { note('written'); return writeAll.apply(this, args) }
const { from } = RecordBatchReader
RecordBatchReader.from = function (...args) { note('read'); return from.apply(this, args) }
`

let scratch: string
let folder: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'vicinal-arrow-'))
  folder = join(scratch, 'data')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(scratch, { recursive: true, force: true })
})

/** Runs a module with `open` and `folder` in a process of its own and returns its log output. */
async function inChild(body: string, env: Record<string, string> = {}): Promise<string> {
  const script = `import { open } from ${JSON.stringify(ENTRY)}; const folder = ${JSON.stringify(folder)};\n${body}`
  const options = { env: { ...process.env, ...env } }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], options)
  return stdout.trim()
}

const WRITE_AND_FLUSH = `
  const db = await open(folder)
  const points = await db.createCollection('points', { vectors: { size: 4, distance: 'Dot' } })
  await points.upsert(Array.from({ length: 3000 }, (_, id) => ({ id, vector: [id, 1, 0, 0], payload: { n: id } })))
  await points.flush()`

const WHAT_IS_LOADED = `
  const { sharedObjects, workers } = process.report.getReport()
  console.log(sharedObjects.some((path) => path.includes('lancedb')), workers.length)`

describe('the thread that converts rows to Arrow', () => {
  it('does all of this work: the main thread neither writes nor reads Arrow', async () => {
    const probe = join(scratch, 'probe.mjs')
    await writeFile(probe, PROBE)
    const seen = join(scratch, 'seen')
    const env = { NODE_OPTIONS: `--import ${probe}`, SEEN: seen }
    // The process ends before there are segments, so the next one loads its rows from the table.
    await inChild(`${WRITE_AND_FLUSH}\nprocess.exit(0)`, env)
    const counted = `
      const db = await open(folder)
      console.log(await (await db.collection('points')).count())
      process.exit(0)`
    expect(await inChild(counted, env)).toBe('3000')
    const places = (await readFile(seen, 'utf8')).trim().split('\n')
    expect([...new Set(places)].sort()).toEqual(['read in a worker', 'written in a worker'])
  })

  it('does not start, nor load Lance, before rows go to the table or come from it', async () => {
    expect(await inChild(WHAT_IS_LOADED)).toBe('false 0')
    expect(existsSync(folder)).toBe(false)
    await inChild(`${WRITE_AND_FLUSH}\nawait points.waitForIndex()\nawait db.close()`)
    expect(await inChild(`const db = await open(folder)\n${WHAT_IS_LOADED}\nawait db.close()`)).toBe('false 0')
    await rm(folder, { recursive: true })
    expect(await inChild(`${WRITE_AND_FLUSH}\n${WHAT_IS_LOADED}\nawait db.close()`)).toBe('true 1')
  })

  it('does not keep the process alive once it is idle, and lets it finish a flush that no one waits for', async () => {
    expect(await inChild(`${WRITE_AND_FLUSH}\nconsole.log('flushed')`)).toBe('flushed')
    await rm(folder, { recursive: true })
    const unawaited = WRITE_AND_FLUSH.replace(
      'await points.flush()',
      `points.flush().then(() => console.log('flushed'))`,
    )
    expect(await inChild(unawaited)).toBe('flushed')
  })

  it('does not disturb a process that exits in the middle of a flush', async () => {
    for (let afterMs = 0; afterMs <= 200; afterMs += 40) {
      await rm(folder, { recursive: true, force: true })
      const exiting = WRITE_AND_FLUSH.replace(
        'await points.flush()',
        `points.flush(); setTimeout(() => process.exit(7), ${afterMs})`,
      )
      await expect(inChild(exiting)).rejects.toMatchObject({ code: 7, stderr: '' })
    }
  })

  it('works for a program in CommonJS', async () => {
    const script = `const { open } = require(${JSON.stringify(ENTRY)}); const folder = ${JSON.stringify(folder)};
      async function main() { ${WRITE_AND_FLUSH}\nconsole.log('flushed') }
      main()`
    expect((await run(process.execPath, ['--input-type=commonjs', '-e', script])).stdout.trim()).toBe('flushed')
  })

  it('may end during any task: a flush reports it, nothing acknowledged is lost, and the next flush succeeds', async () => {
    const db = await open(folder)
    const points = await db.createCollection('points', { vectors: { size: 2, distance: 'Dot' } })
    const post = Worker.prototype.postMessage
    let acknowledged = 0
    // A first flush has two tasks, the empty table and its rows; later ones have one.
    for (const atTask of [1, 2, 1, 1]) {
      await points.upsert([{ id: acknowledged++, vector: [1, 2], payload: { round: atTask } }])
      let task = 0
      const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message, given) {
        if (++task === atTask) void this.terminate()
        else post.call(this, message, given)
      })
      await expect(points.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
      spy.mockRestore()
      expect(await points.count()).toBe(acknowledged)
      if (atTask === 2) await points.flush()
    }
    await points.upsert([{ id: acknowledged++, vector: [3, 4] }])
    await points.flush()
    await db.close()
    const again = await open(folder)
    expect(await (await again.collection('points')).count()).toBe(acknowledged)
    await again.close()
  })
})
