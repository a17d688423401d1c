/** The command as users run it, on a folder with its own data. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Distance } from '../../../src/core/schema.js'
import { open } from '../../../src/index.js'
import { ended, start, vicinal } from '../cli/process.js'

const POINTS = 2500
/** Enough dimensions for codes. */
const SIZE = 96
const FAST = ['--query-count', '60']

/** Deterministic and unordered. */
const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-tune-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

async function fill(distance: Distance = 'Euclid', points = POINTS): Promise<void> {
  const database = await open(join(folder, 'data'))
  const rows = await database.createCollection('rows', {
    vectors: { text: { size: SIZE, distance }, other: { size: 2, distance: 'Dot' } },
  })
  await rows.upsert(Array.from({ length: points }, (_, id) => ({ id, vector: { text: vector(id), other: [id, 1] } })))
  await rows.waitForIndex()
  await database.close()
}

async function configOf(name: string) {
  const database = await open(join(folder, 'data'))
  const info = await (await database.collection('rows')).info()
  await database.close()
  return { ...info.config.vectors.find((one) => one.name === name), status: info.status, points: info.pointsCount }
}

/** The cells of the line marked `chosen`. */
const chosenOf = (stdout: string) =>
  (/^.*\bchosen\b.*$/m.exec(stdout)?.[0] ?? '').split(/ {2,}| (?=in|on|\d)/).map((cell) => cell.trim())

test('measures, draws, chooses and applies, and the index is rebuilt', async () => {
  await fill()
  const before = await configOf('text')
  expect(before).toMatchObject({ quantization: 'auto', m: 16 })
  const args = ['tune', 'rows', '--vector', 'text', '--recall', '0.9', '--memory', '1GiB', ...FAST]
  const { code, stdout, stderr } = await vicinal(args, folder)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('sq8, m 16: built in') })
  expect(stdout).toMatch(/rows, vector text: 2,500 vectors of 96 dimensions, Euclid/)
  expect(stdout).toMatch(/measured on 2,440 of them, by 60 queries: stored vectors, held out/)
  for (const codes of ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1'])
    expect(stdout).toMatch(new RegExp(`^${codes} `, 'm'))
  expect(stdout).toMatch(/^sq8 +16 {2}on disk /m)
  expect(stdout).toMatch(/^recall 0\.9 in 1\.1 GB: /m)
  const svg = readFileSync(join(folder, 'rows-tune.svg'), 'utf8')
  expect(svg.match(/<polyline /g)?.length).toBeGreaterThan(8)

  const [quantization, m, placement] = chosenOf(stdout)
  expect(await configOf('text')).toMatchObject({
    quantization,
    m: Number(m),
    memory: { vectors: placement === 'on disk' ? 'cold' : 'cached' },
    efConstruct: before.efConstruct,
    status: 'green',
    points: POINTS,
  })
  expect(await configOf('other')).toMatchObject({
    quantization: 'auto',
    m: 16,
    memory: { vectors: 'cached' },
    overrides: {},
  })
})

test("measures with the user's own queries, on a sample, beside a process that writes", async () => {
  await fill('Cosine')
  const writer = await open(join(folder, 'data'))
  onTestFinished(() => writer.close())
  const queries = Array.from({ length: 40 }, (_, row) => JSON.stringify({ text: [...vector(row + 0.5)] }))
  writeFileSync(join(folder, 'queries.jsonl'), queries.join('\n'))
  const args = ['tune', 'rows', '--vector', 'text', '--queries', 'queries.jsonl', '--sample', '2000', '--dry-run']
  const { code, stdout } = await vicinal([...args, '--svg', 'curve.svg'], folder)
  expect(code).toBe(0)
  expect(stdout).toMatch(/measured on a sample of 2,000, by 40 queries: queries\.jsonl/)
  expect(existsSync(join(folder, 'curve.svg'))).toBe(true)
  const info = await (await writer.collection('rows')).info()
  expect(info.config.vectors[0]).toMatchObject({ quantization: 'auto', overrides: {} })
})

test('leaves pinned codes pinned, and the rest of the collection unchanged', async () => {
  const database = await open(join(folder, 'data'))
  const quantizationConfig = { scalar: { type: 'int8' as const, always_ram: true } }
  const rows = await database.createCollection('rows', {
    vectors: { size: SIZE, distance: 'Euclid' },
    hnswConfig: { m: 64 },
    quantizationConfig,
  })
  await rows.upsert(Array.from({ length: POINTS }, (_, id) => ({ id, vector: vector(id) })))
  await rows.waitForIndex()
  await database.close()
  const { code, stdout } = await vicinal(['tune', 'rows', '--recall', '0.9', ...FAST], folder)
  expect(code).toBe(0)
  const [quantization] = chosenOf(stdout)
  const after = await configOf('')
  expect(after.quantization).toBe(quantization)
  const canBePlaced = quantization !== 'auto' && quantization !== 'none'
  expect(after.memory?.codes).toBe(canBePlaced ? 'pinned' : 'cached')
  expect(after.overrides).toEqual({})
})

test('ends at a signal without any change', async () => {
  await fill()
  const child = start(['tune', 'rows', '--vector', 'text', ...FAST], folder)
  const end = ended(child)
  child.stderr?.once('data', () => child.kill('SIGTERM'))
  const { code, stderr } = await end
  expect({ code, stderr }).toMatchObject({ code: 143, stderr: expect.stringContaining('nothing was changed') })
  expect(await configOf('text')).toMatchObject({ overrides: {} })
})

test('without codes there is only one kind to measure', async () => {
  await fill('Manhattan', 1200)
  const { code, stdout } = await vicinal(['tune', 'rows', '--vector', 'text', ...FAST], folder)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^none +32 /m)
  expect(stdout).not.toMatch(/^(auto|sq8|rabitq\d) |on disk/m)
  // The present configuration is one of those measured.
  expect(stdout).toMatch(/^none +16 .*\bnow\b/m)
  expect(await configOf('text')).toMatchObject({ quantization: 'auto' })
})

test('changes nothing if no configuration meets the target, and names the nearest', async () => {
  await fill('Euclid', 1200)
  const args = ['tune', 'rows', '--vector', 'text', '--memory', '1kB', ...FAST]
  const { code, stdout } = await vicinal(args, folder)
  expect({ code, stdout }).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/the smallest takes \d+\.\d kB; nothing/),
  })
  expect(await configOf('text')).toMatchObject({ overrides: {} })
})

test('reports errors of the call before it measures', async () => {
  await fill('Dot', 10)
  const database = await open(join(folder, 'data'))
  await database.createCollection('tokens', {
    vectors: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
  })
  await database.createCollection('words', { sparseVectors: { text: {} } })
  await database.close()
  const refused: [args: string[], code: number, text: RegExp][] = [
    [[], 2, /name one collection/],
    [['rows', 'more'], 2, /name one collection/],
    [['rows'], 2, /--vector: expected one of text, other/],
    [['rows', '--vector', 'none'], 2, /--vector: expected one of text, other, got none/],
    [['rows', '--recall', '2'], 2, /--recall: .*got 2/],
    [['rows', '--memory', 'lots'], 2, /--memory: .*got lots/],
    [['rows', '--sample', '0'], 2, /--sample: .*got 0/],
    [['rows', '--memory-limit', '1MB'], 2, /--memory-limit: expected at least 128 MiB, got 1MB/],
    [['tokens'], 2, /tune: .*recall of multivectors/],
    [['words'], 2, /tune: .*no dense vector/],
    [['absent'], 1, /NOT_FOUND: .*absent/],
    [['rows', '--data', 'nowhere'], 1, /NOT_FOUND: nowhere/],
    [['rows', '--vector', 'text', '--queries', 'none.fbin'], 1, /NOT_FOUND: none\.fbin/],
  ]
  for (const [args, code, text] of refused) {
    expect(await vicinal(['tune', ...args], folder), args.join(' ')).toMatchObject({
      code,
      stderr: expect.stringMatching(text),
    })
  }
  const writer = await open(join(folder, 'data'))
  onTestFinished(() => writer.close())
  expect(await vicinal(['tune', 'rows', '--vector', 'text'], folder)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/LOCKED: .*--dry-run/),
  })
})

test('measures on as many vectors as the memory limit allows, and reports if these are too few', async () => {
  await fill('Euclid')
  const args = ['tune', 'rows', '--vector', 'text', '--dry-run', ...FAST]
  // Twelve times 384 bytes for each vector, beside 128 MiB: 6.9 MB for 1,500 vectors.
  const enough = 128 * 1024 * 1024 + 1_500 * 12 * SIZE * 4
  const { code, stdout } = await vicinal([...args, '--memory-limit', String(enough)], folder)
  expect(code).toBe(0)
  expect(stdout).toMatch(/measured on a sample of 1,500, by 60 queries/)
  expect(await vicinal([...args, '--memory-limit', '128MiB'], folder)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--memory-limit: expected at least 139 MB to measure on 1000 vectors/),
  })
})
