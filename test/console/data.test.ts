/** Pages of the console about data: recall, quality, and files that are brought in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Route } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
let page: Watched

/** The result of a request that must succeed. A text is sent as JSON lines. */
async function ask(method: string, path: string, body?: object | string): Promise<unknown> {
  const isText = typeof body === 'string'
  const headers = { 'content-type': isText ? 'application/x-ndjson' : 'application/json' }
  const answer = await fetch(stage.service.url + path, { method, headers, body: isText ? body : JSON.stringify(body) })
  expect(answer.ok, `${method} ${path}`).toBe(true)
  return isText ? await answer.text() : ((await answer.json()) as { result: unknown }).result
}

describe('recall', () => {
  it('is measured on stored points, against a scan', async () => {
    page = await stage.open()
    await page.at('/collections/photos/recall')
    await page.getByLabel('Queries').selectOption('50')
    await page.getByRole('button', { name: 'Measure' }).click()
    const rows = page.getByLabel('Recall and latency').locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(6)
    // So few points are scanned, so that nothing is missed.
    expect(await rows.first().textContent()).toMatch(/^0\.8100\.0 %.*ms/)
    await page.getByText('the queries compare all vectors').waitFor()
    expect(await page.locator('.plot').count()).toBe(0)
    await expectAccessible(page, 'recall')
    await page.getByRole('button', { name: 'Use 0.99 …' }).click()
    expect(await page.getByLabel('The change').textContent()).toMatch(/− {3}"recall": 0.95\n\+ {3}"recall": 0.99/)
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByRole('row', { name: /^0\.99 .* in use/ }).waitFor()
    await page.getByLabel('Codes').selectOption('sq8')
    await page.getByLabel('Edges of a vertex').selectOption('32')
    await page.getByRole('button', { name: 'Show the change' }).click()
    await expectAccessible(page, 'the change of codes')
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const { result } = (await (await fetch(`${stage.service.url}/collections/photos`)).json()) as {
      result: { config: { params: { vectors: { image: object } } } }
    }
    expect(result.config.params.vectors.image).toMatchObject({
      quantization: 'sq8',
      hnsw_config: { m: 32, recall: 0.99 },
    })
  })

  it('is measured at the default too, whatever it is, which is marked', async () => {
    await fetch(`${stage.service.url}/collections/photos`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vectors: { image: { hnsw_config: { recall: 0.97 } } } }),
    })
    page = await stage.open()
    await page.at('/collections/photos/recall')
    await page.getByLabel('Queries').selectOption('50')
    await page.getByRole('button', { name: 'Measure' }).click()
    await page.getByRole('row', { name: /^0\.97 .* in use/ }).waitFor({ timeout: 60_000 })
  })
})

describe('quality', () => {
  it('is reported by vector, and compared with a reference', async () => {
    page = await stage.open()
    await page.at('/collections/photos/quality')
    await page.getByText('No report was made yet').waitFor()
    await page.getByRole('button', { name: 'Make a report' }).click()
    await page.getByRole('heading', { name: 'image' }).waitFor()
    await expect.poll(() => page.getByLabel(/^Norms of text/).count()).toBe(1)
    await page.getByRole('button', { name: 'Compare later data' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Make a report' }).isEnabled()).toBe(true)
    await expectAccessible(page, 'quality')
  })

  it('is drawn: drift over the kept reports, groups with their members, hubs, gaps and rules', async () => {
    const twin = Array.from({ length: 25 }, (_, at) => ({ id: 500 + at, vector: { image: [1, 2, 3, 4, 5, 6, 7, 8] } }))
    await ask('PUT', '/collections/photos/points?wait=true', { points: twin })
    try {
      for (let report = 0; report < 2; report++) await ask('GET', '/collections/photos/quality')
      page = await stage.open()
      await page.route(/\/quality\?history=true$/, withAnotherDay)
      await page.at('/collections/photos/quality')
      const drift = page.getByRole('img', { name: /^Drift of image.*: now AUC .*, energy / })
      const byDay = page.getByRole('img', { name: /^Rows by day.*in quarantine 3/ })
      await drift.waitFor({ timeout: 20_000 })
      for (const plot of [drift, byDay]) await plot.locator('canvas').waitFor()
      expect(await page.getByRole('img', { name: /^Point \d+: in \d+ lists/ }).count()).toBeGreaterThan(5)
      expect(await page.getByText('Cosine has scaled all vectors').count()).toBe(1)
      const group = page
        .getByRole('listitem')
        .filter({ hasText: /and \d+ more; the report/ })
        .first()
      expect(await group.getByRole('link').count()).toBe(11)
      await expectAccessible(page, 'quality as plots')
      await group.getByRole('link', { name: 'as cards' }).click()
      await page.getByText('10 chosen points').waitFor({ timeout: 20_000 })
    } finally {
      await ask('POST', '/collections/photos/points/delete?wait=true', { points: twin.map(({ id }) => id) })
    }
  })
})

/** Lets the day before come first in what rules did: the points of this test are all of one day, which has no plot. */
async function withAnotherDay(route: Route): Promise<void> {
  const response = await route.fetch()
  const answer = (await response.json()) as { result: { rules: { day: string }[] }[] }
  for (const { rules } of answer.result) if (rules[0]) rules.unshift({ ...rules[0], day: '2026-01-01' })
  await route.fulfill({ response, json: answer })
}

/** Rows of which the third has a vector of another length. */
const rows = () =>
  Array.from({ length: 20 }, (_, at) => ({
    id: 1000 + at,
    image: Array.from({ length: at === 2 ? 7 : 8 }, () => at + 0.5),
    title: `brought, "${at}"\nby file`,
  }))

const FILES: [name: string, write: (path: string) => void][] = [
  [
    'rows.ndjson',
    (path) =>
      writeFileSync(
        path,
        `${rows()
          .map((row) => JSON.stringify(row))
          .join('\n')}\n`,
      ),
  ],
  ['rows.json', (path) => writeFileSync(path, JSON.stringify(rows()))],
  [
    'rows.csv',
    (path) => {
      const lines = rows().map(
        ({ id, image, title }) => `${id},"${JSON.stringify(image)}","${title.replaceAll('"', '""')}"`,
      )
      writeFileSync(path, `id,image,title\n${lines.join('\n')}`)
    },
  ],
  [
    'rows.parquet',
    (path) => {
      const columnData = [
        { name: 'id', data: rows().map(({ id }) => id), type: 'INT32' as const },
        { name: 'image', data: rows().map(({ image }) => image), type: 'JSON' as const },
        { name: 'title', data: rows().map(({ title }) => title), type: 'STRING' as const },
      ]
      writeFileSync(path, Buffer.from(parquetWriteBuffer({ columnData })))
    },
  ],
]

describe('bringing data', () => {
  it.each(FILES)('%s stores its rows, and names the one that is wrong', async (name, write) => {
    const path = join(stage.folder, name)
    write(path)
    page = await stage.open()
    await page.at('/collections/photos/bring')
    await page.locator('input[type=file]').setInputFiles(path)
    await expect.poll(() => page.getByLabel('Vector image').inputValue()).toBe('image')
    expect(await page.getByLabel('First rows as they will be stored').textContent()).toContain('"id":1000')
    await expectAccessible(page, `columns of ${name}`)
    await page.getByRole('button', { name: 'Store the rows' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    const wrong = page.getByLabel('Rows that are not stored').locator('tbody tr')
    expect(await wrong.count()).toBe(1)
    expect(await wrong.textContent()).toMatch(/^(line|row) 3.*expected dim: 8, got 7.*1002/)
    const answer = await fetch(`${stage.service.url}/collections/photos/points/1001`)
    const { result } = (await answer.json()) as { result: { payload: object; vector: { image: number[] } } }
    expect(result.payload).toEqual({ title: 'brought, "1"\nby file' })
    const filter = { must: [{ has_id: rows().map(({ id }) => id) }] }
    expect(await ask('POST', '/collections/photos/points/count', { filter })).toEqual({ count: 19 })

    // The same file again is the same source, whose rows are stored already.
    await page.getByRole('button', { name: 'Store the rows' }).click()
    await expect.poll(() => page.locator('.tile', { hasText: 'Stored' }).textContent()).toBe('Stored0')
  })

  it('that no reader knows is refused by name', async () => {
    const path = join(stage.folder, 'rows.xls')
    writeFileSync(path, 'x')
    page = await stage.open()
    await page.at('/collections/photos/bring')
    await page.locator('input[type=file]').setInputFiles(path)
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/rows\.xls: expected a name/)
  })
})

describe('the quarantine', () => {
  const RULES = {
    quarantine: 'set-aside',
    rules: [
      { check: 'finite', action: 'quarantine' },
      { check: 'norm', min: 0.5, max: 2, action: 'quarantine' },
      { check: 'payload', key: 'price', type: 'number', action: 'quarantine' },
    ],
  }

  it('of rules that are set here keeps rows, which are mended, changed by hand and deleted', async () => {
    await ask('PUT', '/collections/goods', { vectors: { size: 3, distance: 'Dot' } })
    page = await stage.open()
    await page.at('/collections/goods/quarantine')
    await page.getByRole('button', { name: 'Change the rules …' }).click()
    await page.getByLabel('All rules').fill(JSON.stringify(RULES))
    await page.getByRole('button', { name: 'Show the change' }).click()
    expect(await page.getByLabel('The change').textContent()).toContain('+   "quarantine": "set-aside"')
    await expectAccessible(page, 'the change of rules')
    await page.getByRole('button', { name: 'Change them' }).click()
    await page.getByRole('row', { name: /^norm/ }).waitFor()
    const script = '<img src=x onerror="document.title = 1">'
    await ask('PUT', '/collections/goods/points?wait=true', {
      points: [
        { id: 1, vector: [9, 0, 0], payload: { [script]: script } },
        { id: 2, vector: [0, 8, 0], payload: { long: 'x'.repeat(100_000) } },
        { id: 3, vector: [0, 1, 0], payload: { price: 'dear' } },
        { id: 4, vector: [0, 1e39, 0] },
        { id: 5, vector: [0, 0, 7] },
      ],
    })
    await page.reload()
    await page.getByLabel('Row 4').getByText('3 dimensions, not finite: Infinity at 1').waitFor()
    await expectAccessible(page, 'the quarantine')

    // By rule.
    await page.getByLabel('Rows by rule').getByRole('button', { name: 'norm' }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(3)
    for (const id of [1, 2]) await page.getByLabel(`Row ${id}`).getByRole('checkbox').check()
    await page.getByLabel('Fix').selectOption('normalise')
    await page.getByRole('button', { name: 'Store 2 rows' }).click()
    await page.getByText('2 stored, 0 stay').waitFor()
    expect(await ask('POST', '/collections/goods/points', { ids: [2], with_vector: true })).toMatchObject([
      { vector: [0, 1, 0] },
    ])

    await page.getByLabel('Rows by rule').getByRole('button', { name: 'All rules' }).click()
    await page.getByLabel('Row 3').getByRole('button', { name: 'Mend by hand' }).click()
    await page.getByLabel('Vectors and payload').fill('{"payload":{"price":"still dear"}}')
    await page.getByRole('button', { name: 'Store it' }).click()
    await expect.poll(() => page.getByLabel('Rows that stay').textContent()).toContain('price')
    await page.getByLabel('Row 3').getByRole('button', { name: 'Mend by hand' }).click()
    await page.getByLabel('Vectors and payload').fill('{"payload":{"price":3}}')
    await page.getByRole('button', { name: 'Store it' }).click()
    await page.getByText('1 stored, 0 stay').waitFor()

    await page.getByLabel('All rows of this page').check()
    await page.getByRole('button', { name: 'Delete them …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete them' }).click()
    await page.getByText('No row is in quarantine').waitFor()
    expect(await ask('POST', '/collections/set-aside/points/count', {})).toEqual({ count: 0 })
  })

  it('shows the text of a row that is too deep for a payload, which can be deleted alone', async () => {
    await ask('PUT', '/collections/deep', { vectors: { size: 1, distance: 'Dot' } })
    const rules = [{ check: 'norm', max: 2, action: 'quarantine' }]
    await ask('PATCH', '/collections/deep', { ingestion: { quarantine: 'deep-kept', rules } })
    const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) })
    // A row may have 256 levels. Its record in the quarantine has one more around it.
    const lines = [
      { id: 1, vector: [9], payload: nested(255) },
      { id: 2, vector: [9], payload: { flat: true } },
    ].map((row) => JSON.stringify(row))
    await ask('POST', '/collections/deep/ingest', lines.join('\n'))
    page = await stage.open()
    await page.at('/collections/deep/quarantine')
    const row = page.getByLabel('Row 1')
    await expect
      .poll(() => row.getByLabel('Row 1 as text').textContent())
      .toMatch(/^\{"id":1,"vector":\[9\],"payload":\{"a"/)
    await row.getByText('cannot be stored from here').waitFor()
    expect(await row.getByRole('button', { name: 'Mend by hand' }).count()).toBe(0)
    await page.getByLabel('All rows of this page').check()
    await page.getByRole('button', { name: 'Store 1 row', exact: true }).waitFor()
    await expectAccessible(page, 'a row as text')
    await page.getByRole('button', { name: 'Delete them …' }).click()
    await page.getByRole('heading', { name: 'Delete 2 rows' }).waitFor()
  })

  it('of many rules tells each, and a page that is turned leaves no row chosen', async () => {
    await ask('PUT', '/collections/many', { vectors: { size: 1, distance: 'Dot' } })
    const rules = Array.from({ length: 14 }, (_, at) => ({
      ...{ name: `key-${at}`, check: 'payload', key: `k${at}`, type: 'integer', action: 'quarantine' },
    }))
    await ask('PATCH', '/collections/many', { ingestion: { quarantine: 'many-kept', rules } })
    const points = Array.from({ length: 28 }, (_, id) => ({ id, vector: [1], payload: { [`k${id % 14}`]: 'wrong' } }))
    await ask('PUT', '/collections/many/points?wait=true', { points })
    page = await stage.open()
    await page.at('/collections/many/quarantine')
    const chips = page.getByLabel('Rows by rule').getByRole('listitem')
    await expect.poll(() => chips.count(), { timeout: 20_000 }).toBe(15)
    expect(await chips.first().textContent()).toBe('All rules 28')
    const all = page.getByLabel('All rows of this page')
    await all.check()
    await page.getByRole('button', { name: 'Store 24 rows' }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(4)
    expect(await all.isChecked()).toBe(false)
    expect(await page.getByRole('button', { name: 'Delete them …' }).isDisabled()).toBe(true)
    await all.check()
    await page.getByRole('button', { name: 'Delete them …' }).click()
    await page.getByRole('heading', { name: 'Delete 4 rows' }).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete them' }).click()
    await page.getByText('No row is left on this page').waitFor()
    expect(await ask('POST', '/collections/many-kept/points/count', {})).toEqual({ count: 24 })
  })
})
