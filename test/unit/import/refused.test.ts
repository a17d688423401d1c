/** Wrong rows and wrong files: each is told by file, row and column, and nothing is half made. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { open } from '../../../src/index.js'
import { serve, vicinal } from '../cli/process.js'
import * as files from './sample-files.js'

const ROWS = 2_000
const MINUTES = 600_000

interface Line {
  file: string
  row: number
  column: string | null
  code: string
  reason: string
  record: Record<string, unknown> | string | null
}

const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)

/** A Parquet file in which each hundredth row is wrong, in turn in one of four ways. */
function writeBroken(path: string): Map<number, string> {
  const broken = new Map<number, string>()
  const vectors = files.rowsFrom(0, ROWS).map((row): number[] | null => {
    if (row % 100 !== 17) return files.vectorOf(row)
    const kinds: [string, number[] | null][] = [
      ['dimension', [1, 2]],
      ['not finite', [1, Number.NaN, 2, 3]],
      ['beyond', [1, 1e39, 2, 3]],
      ['missing', null],
    ]
    const [kind, vector] = kinds[Math.floor(row / 100) % kinds.length] as (typeof kinds)[number]
    broken.set(row, kind)
    return vector
  })
  files.writeParquet(path, ROWS, 500, { vectors, kind: 'float64' })
  return broken
}
const REASONS: Readonly<Record<string, RegExp>> = {
  dimension: /expected dim: 4, got 2/,
  'not finite': /finite numbers/,
  beyond: /finite numbers/,
  missing: /one of the vectors/,
}

test('a Parquet file with 1 % broken rows comes in by one command, which tells each of them by its reason', {
  timeout: MINUTES,
}, async () => {
  const folder = files.temporaryFolder()
  const broken = writeBroken(join(folder, 'photos.parquet'))
  const args = ['import', 'photos.parquet', '--collection', 'photos', '--on-error', 'skip', '--errors', 'errors.jsonl']
  const dry = await vicinal([...args, '--dry-run'], folder)
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining(`${ROWS - broken.size} rows would be stored`) })
  expect(existsSync(join(folder, 'data'))).toBe(false)
  const verdicts = linesOf(join(folder, 'errors.jsonl'))

  const ran = await vicinal(args, folder)
  expect(ran).toMatchObject({ code: 0, stdout: `photos: ${ROWS - broken.size} points\n` })
  expect(ran.stderr).toContain(`${broken.size} rows were refused, each in errors.jsonl`)
  const lines = linesOf(join(folder, 'errors.jsonl'))
  expect(lines).toEqual(verdicts)
  expect(lines.map(({ row }) => row)).toEqual([...broken.keys()])
  for (const { file, row, column, reason, record } of lines) {
    expect(file).toBe('photos.parquet')
    const kind = broken.get(row) as string
    expect(reason).toMatch(REASONS[kind] as RegExp)
    if (kind !== 'missing') expect(column).toBe('vector')
    expect(record).toMatchObject({ id: row, payload: { text: `row ${row}` } })
  }
  const kept = ['import', 'photos.parquet', '--collection', 'kept', '--on-error', 'quarantine']
  const quarantined = await vicinal(kept, folder)
  expect(quarantined).toMatchObject({ code: 0, stdout: `kept: ${ROWS - broken.size} points\n` })
  expect(quarantined.stderr).toContain(`${broken.size} of them are in the quarantine`)
  const unruled = await vicinal([...args.slice(0, 4), '--on-error', 'quarantine'], folder)
  expect(unruled).toMatchObject({ code: 2, stderr: expect.stringContaining('the rules of photos name no quarantine') })
  // Without --on-error the first one stops the import, and leaves no collection.
  const stopped = await vicinal(['import', 'photos.parquet', '--collection', 'other'], folder)
  expect(stopped).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/photos\.parquet: row 17: column vector: .*expected dim: 4, got 2/),
  })
  const database = await open(join(folder, 'data'))
  expect(await database.hasCollection('other')).toBe(false)
  expect(await (await database.collection('kept-quarantine')).count()).toBe(broken.size)
  await database.close()
})

test('standard input, repeated ids and a collection that is there', { timeout: MINUTES }, async () => {
  const folder = files.temporaryFolder()
  const csv = 'id,embedding,year,name\n1,"[1,0]",2001,Ann\n2,"[0,1]",,"B, ""b"""\n1,"[1,1]",007,\n3,"[1,x]",1,\n4\n'
  const run = (args: string[], input: string | Buffer) => {
    const main = join(import.meta.dirname, '../../../dist/cli/main.js')
    const ran = spawnSync(process.execPath, [main, ...args], {
      cwd: folder,
      input,
      env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') },
    })
    return { code: ran.status, stdout: String(ran.stdout), stderr: String(ran.stderr) }
  }
  const args = [
    'import',
    '-',
    '--format',
    'csv',
    '--collection',
    'rows',
    '--on-error',
    'skip',
    '--errors',
    'errors.jsonl',
  ]
  const ran = run(args, gzipSync(csv))
  expect(ran).toMatchObject({ code: 0, stdout: 'rows: 2 points\n' })
  expect(ran.stderr).toContain('1 rows replaced points with the same id')
  expect(linesOf(join(folder, 'errors.jsonl'))).toMatchObject([
    { file: 'standard input', row: 3, column: 'embedding' },
    { file: 'standard input', row: 4, column: null, reason: expect.stringContaining('expected 4 cells, got 1') },
  ])
  const database = await open(join(folder, 'data'))
  const [one, two] = await (await database.collection('rows')).retrieve([1, 2])
  expect(one?.payload).toEqual({ year: '007' })
  expect(two?.payload).toEqual({ name: 'B, "b"' })
  await database.close()
  expect(run(['import', '-', '--collection', 'rows'], csv)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('standard input; set --format'),
  })
  const array = JSON.stringify([
    { id: 9, vector: [1, 2], payload: { a: 1 } },
    { id: 9, vector: [2, 1] },
    { id: 'x', vector: [1, 1] },
  ])
  const dry = run(['import', '-', '--format', 'json', '--collection', 'rows', '--dry-run'], array)
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('3 rows would be stored') })
  expect(dry.stderr).toContain('1 rows repeat the id of an earlier row')
})

test('a collection of a service comes over with its configuration, vectors, ids and payload', {
  timeout: MINUTES,
}, async () => {
  const folder = files.temporaryFolder()
  writeFileSync(join(folder, 'key'), 'secret\n')
  const { child, url } = await serve(['--api-key-file', 'key'], folder)
  const { connect } = await import('../../../src/client/index.js')
  const service = await connect(url, { apiKey: 'secret' })
  const { digestOf, makeOdd } = await import('../export/odd-collection.js')
  const odd = await makeOdd(service, 'odd', 700, 3)
  await odd.createPayloadIndex('name', 'keyword')
  const expected = await digestOf(odd)
  const env = { VICINAL_QDRANT_API_KEY: 'secret' }
  const args = ['import', '--from-qdrant', `${url}/collections/odd`, '--collection', 'copy', '--data', 'copy']
  expect(await vicinal(args, folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHENTICATED') })
  expect(await vicinal(args, folder, env)).toMatchObject({ code: 0, stdout: 'copy: 700 points\n' })
  const none = await vicinal([...args.slice(0, 2), `${url}/collections/none`, ...args.slice(3)], folder, env)
  expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/NOT_FOUND: .*collections\/none: status 404/) })
  const database = await open(join(folder, 'copy'))
  const copy = await database.collection('copy')
  expect(await digestOf(copy)).toEqual(expected)
  const { config, payloadSchema } = await copy.info()
  expect(config.vectors).toMatchObject((await odd.info()).config.vectors)
  expect(Object.keys(payloadSchema)).toEqual(['name'])
  await database.close()
  await service.close()
  child.kill('SIGTERM')
})

const wide = Array.from({ length: 10_000 }, (_, at) => `c${at}`)
const PROTO = '{"id":1,"vector":[1,2],"__proto__":{"polluted":1},"constructor":2,"":3}\n'

test.each<[string, (path: string) => void, string[], RegExp | null]>([
  [
    'a folder',
    (path) => mkdirSync(path),
    ['--format', 'json'],
    /IO_FAILED|INVALID_ARGUMENT: file: expected a file, got a folder/,
  ],
  ['an empty file', (path) => writeFileSync(path, ''), ['--format', 'json'], /file: has no rows/],
  [
    'a cut gzip',
    (path) => writeFileSync(path, gzipSync(PROTO.repeat(1000)).subarray(0, -20)),
    ['--format', 'json'],
    /file: gzip: unexpected end of file/,
  ],
  [
    'text that is no Parquet',
    (path) => writeFileSync(path, 'PAR1 nothing of it PAR1'),
    ['--format', 'parquet'],
    /file: not a Parquet file/,
  ],
  [
    'an Arrow file without its end',
    (path) => writeFileSync(path, `ARROW1${'\0'.repeat(90)}`),
    ['--format', 'arrow'],
    /file: an Arrow file without its end/,
  ],
  [
    'an array that ends early',
    (path) => writeFileSync(path, '[{"id":1,"vector":[1]},'),
    ['--format', 'json'],
    /file: JSON: ends inside its array, at byte 23/,
  ],
  [
    'two columns of one name',
    (path) => writeFileSync(path, 'id,a,a\n1,2,3\n'),
    ['--format', 'csv'],
    /file: header: two columns are named "a"/,
  ],
  [
    '10,000 columns without a vector',
    (path) => writeFileSync(path, `${wide.join(',')}\n${wide.map(() => 1).join(',')}\n`),
    ['--format', 'csv'],
    /no column holds lists of floats; it has c0, .* and 9950 more/,
  ],
  [
    '10,000 columns',
    (path) => writeFileSync(path, `${wide.join(',')},v\n${wide.map(() => 1).join(',')},"[1,2]"\n`),
    ['--format', 'csv'],
    null,
  ],
  ['keys of prototypes', (path) => writeFileSync(path, PROTO), ['--format', 'json'], null],
  [
    'a gzip of a gigabyte in one row',
    (path) => writeFileSync(path, bomb()),
    ['--format', 'json'],
    /file: row 0: row: expected at most 67108864 bytes/,
  ],
])('%s', { timeout: MINUTES }, async (_, write, args, message) => {
  const folder = files.temporaryFolder()
  write(join(folder, 'file'))
  const ran = await vicinal(['import', 'file', '--collection', 'c', ...args], folder)
  if (message === null) expect(ran).toMatchObject({ code: 0, stdout: 'c: 1 points\n' })
  else {
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toMatch(message)
    expect(ran.stderr).not.toMatch(/^ {4}at /m)
  }
  if (!existsSync(join(folder, 'data'))) return
  const database = await open(join(folder, 'data'))
  expect(await database.hasCollection('c')).toBe(message === null)
  await database.close()
})

/** JSON of a gigabyte of digits in a megabyte. */
function bomb(): Buffer {
  const part = gzipSync(Buffer.alloc(64 * 1024 * 1024, '1'))
  return Buffer.concat([gzipSync('{"id":1,"vector":[1],"text":"'), ...Array.from({ length: 16 }, () => part)])
}
