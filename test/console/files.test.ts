/** Files that are brought in: their columns, numbers and broken rows. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
const SHOP = '/collections/shop'
const BIG = '9007199254740993'
let page: Watched

beforeAll(async () => {
  const body = JSON.stringify({ vectors: { size: 2, distance: 'Dot' } })
  await fetch(stage.service.url + SHOP, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
})

/** Opens the page and chooses a file of this content. */
async function choose(name: string, content: string | Uint8Array, of = SHOP): Promise<void> {
  const path = join(stage.folder, name)
  writeFileSync(path, content)
  page = await stage.open()
  await page.at(`${of}/bring`)
  await page.locator('input[type=file]').setInputFiles(path)
}

async function store(): Promise<void> {
  await page.getByRole('button', { name: 'Store the rows' }).click()
  await page.getByRole('heading', { name: 'Done' }).waitFor()
}

const preview = () => page.getByLabel('First rows as they will be stored').textContent()
const refused = () => page.getByLabel('Rows that are not stored').locator('tbody tr')
const tile = (name: string) => page.locator('.tile', { hasText: name }).locator('strong').textContent()

/** As text: numbers keep their digits. */
async function point(id: number | string): Promise<string> {
  return await (await fetch(`${stage.service.url}${SHOP}/points/${id}`)).text()
}

describe('columns', () => {
  it('beside id and vector become payload', async () => {
    await choose('more.ndjson', '{"id":1,"vector":[1,0],"title":"a","price":2}\n{"id":2,"vector":[0,1],"title":"b"}')
    await expect.poll(preview).toContain('"payload":{"title":"a","price":2}')
    expect(await page.getByLabel('Ids').inputValue()).toBe('id')
    await store()
    expect(await point(1)).toContain('"payload":{"title":"a","price":2}')
    expect(await point(2)).toContain('"payload":{"title":"b"}')
  })

  it('of points as the API has them are sent as they are, and a later row keeps what else it has', async () => {
    const whole = Array.from({ length: 6 }, (_, at) => JSON.stringify({ id: 10 + at, vector: [1, 0], payload: { at } }))
    await choose('points.ndjson', [...whole, '{"id":16,"vector":[1,0],"title":"last"}'].join('\n'))
    await page.getByText('The rows are points as the API has them').waitFor()
    await store()
    expect(await point(10)).toContain('"payload":{"at":0}')
    expect(await point(16)).toContain('"payload":{"title":"last"}')
  })
})

describe('numbers beyond 2^53', () => {
  it.each([
    ['big.ndjson', `{"id":${BIG},"vector":[1,0],"count":${BIG}}\n`],
    ['big.json', `[{"id":${BIG},"vector":[1,0],"count":${BIG}}]`],
    ['big.csv', `id,vector,count\n${BIG},"[1,0]",${BIG}\n`],
    [
      'big.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'id', data: [BigInt(BIG)], type: 'INT64' },
            { name: 'vector', data: [[1, 0]], type: 'JSON' },
            { name: 'count', data: [BigInt(BIG)], type: 'INT64' },
          ],
        }),
      ),
    ],
  ])('of %s keep their digits', async (name, content) => {
    await fetch(`${stage.service.url}${SHOP}/points/delete?wait=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"points":[${BIG}]}`,
    })
    await choose(name, content)
    await expect.poll(preview).toContain(BIG)
    await store()
    expect(await point(BIG)).toContain(`"count":${BIG}`)
  })

  it('and digits of no number are a text', async () => {
    const isbn = '97831614841009783161484100'
    await choose('long.csv', `id,vector,isbn\n30,"[1,0]",${isbn}\n`)
    await store()
    expect(await point(30)).toContain(`"isbn":"${isbn}"`)
  })
})

describe('a broken row', () => {
  it('of JSON lines is told by its number, and the others are stored', async () => {
    await choose('broken.jsonl', '{"id":40,"vector":[1,0],"a":1}\n{"id":41,\n[1]\n{"id":43,"vector":[1,0],"a":3}\n')
    await expect.poll(preview).toContain('{"id":41,')
    await store()
    const told = await refused().allTextContents()
    expect(told).toEqual([
      expect.stringMatching(/^line 2no JSON: it ends in the middle, expected a key in quotes.*\{"id":41,refused$/),
      expect.stringMatching(/^line 3row: expected an object/),
    ])
    expect(await point(43)).toContain('"a":3')
    await expectAccessible(page, 'rows that are not stored')
  })

  it('of a JSON array is told by its number', async () => {
    await choose('broken.json', '[{"id":50,"vector":[1,0],"a":1},null,7,{"id":51,"vector":[1,0],"a":1}]')
    await store()
    expect(await refused().allTextContents()).toEqual([
      expect.stringMatching(/^row 2/),
      expect.stringMatching(/^row 3/),
    ])
    expect(await tile('Stored')).toBe('2')
  })

  it('of a JSON array that is cut off is told with the cause', async () => {
    await choose('cut.json', '[{"id":50,"vector":[1,0]},{"id":51')
    const alert = page.getByRole('alert')
    await expect.poll(() => alert.textContent()).toBe('cut.json: no JSON: it ends in the middle, expected “,” or “}”')
  })

  it('is told by its line, its id, its beginning and its place in the JSON', async () => {
    const long = `<img src=x onerror="document.title='run'">${'x'.repeat(400)}`
    const rows = ['{"id":44,"vector":[1,0],"a":1}', '', JSON.stringify({ id: 45, vector: [1], a: long }), '{"id":46]']
    await choose('found.jsonl', rows.join('\n'))
    await page.getByText('The file has 3 rows.').waitFor()
    await store()
    const told = await refused().allTextContents()
    expect(told[0]).toMatch(/^line 3vector.*45\{"id":45,"vector":\[1\],"a":"<img src=x/)
    expect(told[0]?.length).toBeLessThan(400)
    expect(told[1]).toMatch(/^line 4no JSON at character 9: expected “,” or “}”, got \]/)
    expect(await page.title()).not.toBe('run')
    const link = page.getByRole('link', { name: 'quarantine', exact: true })
    expect(await link.getAttribute('href')).toBe('#/collections/shop/quarantine')
    await expectAccessible(page, 'refused rows with their beginnings')
  })

  it('of CSV has too many cells or a wrong quote, and none of it is stored', async () => {
    const rows = [
      '60,"[1,0]",a',
      '61,"[1,0]",b,c',
      '62,"[1,0]","d"e"',
      '63,"[1,0]"',
      '',
      '64,"[1,0]","never closed',
      '65',
    ]
    await choose('broken.csv', `id,vector,title\n${rows.join('\n')}\n`)
    await expect.poll(preview).toContain('Row 2 is refused: expected 3 cells, got 4')
    await store()
    const told = await refused().allTextContents()
    expect(told).toEqual([
      expect.stringMatching(/^row 2expected 3 cells, got 4/),
      expect.stringMatching(/^row 3a quote is followed by/),
      expect.stringMatching(/^row 5a quote is not closed/),
    ])
    expect(await point(60)).toContain('"title":"a"')
    expect(await point(63)).toContain('"payload":{}')
  })

  it('of CSV that has no end is refused before it fills the memory', async () => {
    await choose('open.csv', `id,vector,title\n70,"[1,0]","${'x\n'.repeat(20 * 1024 * 1024)}`)
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/open\.csv, row 1: .*is a quote left open/)
  })

  it('of JSON lines that has no end is refused before it fills the memory', async () => {
    await choose('endless.jsonl', 'x'.repeat(70 * 1024 * 1024))
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/endless\.jsonl, line 1: .*at most 64 MiB/)
  })

  it('is one of many: a thousand are told, and the number of the others', async () => {
    const rows = Array.from({ length: 1_500 }, (_, at) => `{"id":${at},"vector":[1,2,3],"a":1}`)
    await choose('many.ndjson', rows.join('\n'))
    await store()
    await expect.poll(() => refused().count()).toBe(1_000)
    expect(await refused().first().textContent()).toMatch(/^line 1vector/)
    await page.getByText('and 500 more rows that are not stored').waitFor()
  })
})

describe('CSV', () => {
  it('keeps characters of several bytes wherever a piece of the file ends', async () => {
    const rows = Array.from({ length: 60_000 }, (_, at) => `${1000 + at},"[1,0]",${'€'.repeat(10 + (at % 7))}`)
    await choose('accents.csv', `id,vector,title\r\n${rows.join('\r\n')}`)
    await store()
    expect(await tile('Stored')).toBe('60,000')
    const body = JSON.stringify({ limit: 60_000, with_payload: ['title'] })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${stage.service.url}${SHOP}/points/scroll`, { method: 'POST', headers, body })
    expect(await answer.text()).not.toContain('\ufffd')
  })
})

describe('Parquet', () => {
  it('is read once for each row group', async () => {
    const ids = Array.from({ length: 40_000 }, (_, at) => at)
    const columnData = [
      { name: 'id', data: ids, type: 'INT32' as const },
      { name: 'vector', data: ids.map(() => [1, 0]), type: 'JSON' as const },
      { name: 'note', data: ids.map((id) => `${Math.sin(id)} ${Math.cos(id)}`), type: 'STRING' as const },
    ]
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 20_000 }))
    writeFileSync(join(stage.folder, 'groups.parquet'), bytes)
    page = await stage.open()
    await page.addInitScript(`
      globalThis.readBytes = 0
      const { slice } = Blob.prototype
      Blob.prototype.slice = function (...range) {
        const part = slice.apply(this, range)
        globalThis.readBytes += part.size
        return part
      }`)
    await page.at(`${SHOP}/bring`)
    await page.locator('input[type=file]').setInputFiles(join(stage.folder, 'groups.parquet'))
    await expect.poll(preview).toContain('"note"')
    await store()
    expect(await tile('Rows read')).toBe('40,000')
    expect(await tile('Of the file')).toBe('100.0 %')
    // The first group is looked at before; and the end of the file is read each time.
    expect(await page.evaluate('readBytes')).toBeLessThan(2.5 * bytes.length + 2 ** 20)
  })

  it('with a row group that is too large names the command that reads it', async () => {
    const data = Array.from({ length: 140 }, (_, at) => `${at}`.padEnd(1024 * 1024, 'x'))
    const columnData = [{ name: 'text', data, type: 'STRING' as const }]
    await choose('large.parquet', new Uint8Array(parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED' })))
    await expect
      .poll(() => page.getByRole('alert').textContent())
      .toMatch(/row group 0: expected at most 128 MiB, got 14\d MiB.*vicinal import/)
  })
})

describe('an import', () => {
  const rows = Array.from({ length: 10 }, (_, at) => `{"id":${at},"vector":[1,2],"a":1}`).join('\n')

  it('that fails is told as broken off', async () => {
    await choose('fails.ndjson', rows)
    const body = '{"status":{"error":"the disk is full","code":"UNAVAILABLE"}}'
    await page.route('**/ingest?**', (route) => route.fulfill({ status: 503, body }))
    await page.getByRole('button', { name: 'Store the rows' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toBe('the disk is full')
    await page.getByRole('heading', { name: 'Broken off' }).waitFor()
  })

  it('tells beforehand what it will do, and its report stays while one moves between pages', async () => {
    const before = ((await (await fetch(`${stage.service.url}${SHOP}`)).json()) as { result: { points_count: number } })
      .result.points_count
    const points = (count: number) => count.toLocaleString('en')
    const two = '[{"id":90000001,"vector":[1,0],"a":1},{"id":90000002,"vector":[1,0],"a":1},null]'
    await choose('two.json', two)
    await page
      .getByText(`The file has 3 rows. shop has ${points(before)} points. A row whose id exists replaces that point.`)
      .waitFor()
    await store()
    const after = page.getByText(/^shop has .* points now/)
    await expect.poll(() => after.textContent()).toContain(`${points(before + 2)} points now, ${points(before)} before`)
    await page.getByRole('link', { name: 'Points', exact: true }).click()
    await page.getByRole('heading', { name: 'Points of shop' }).waitFor()
    await page.getByRole('link', { name: 'Bring data' }).click()
    await page.getByText('two.json').waitFor()
    expect(await tile('Stored')).toBe('2')
    expect(await refused().count()).toBe(1)
  })

  it('ends when its page is left', async () => {
    await choose('left.ndjson', rows)
    await page.route('**/ingest?**', () => undefined)
    const [asked] = await Promise.all([
      page.waitForRequest('**/ingest?**'),
      page.getByRole('button', { name: 'Store the rows' }).click(),
    ])
    expect(await page.locator('input[type=file]').isDisabled()).toBe(true)
    const failed = page.waitForEvent('requestfailed', { timeout: 20_000 })
    await page.getByRole('link', { name: 'Points', exact: true }).click()
    expect((await failed).url()).toBe(asked.url())
  })
})
