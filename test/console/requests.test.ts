/** Queries: their beginnings, the body that is sent, and the same request as text for a terminal and two languages. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
const run = promisify(execFile)
let page: Watched

async function send(method: string, path: string, body?: object): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  return await (await fetch(stage.service.url + path, { method, headers, ...sent })).text()
}

/** Vectors of more than a few dimensions, and ids that no one guesses. */
async function fillWide(name: string, vectors: object): Promise<string[]> {
  const ids = ['b1b2c3d4-0000-4000-8000-000000000001', 'b1b2c3d4-0000-4000-8000-000000000002']
  await send('PUT', `/collections/${encodeURIComponent(name)}`, { vectors })
  const vector = (at: number) => Array.from({ length: 40 }, (_, i) => Math.sin(i + at))
  const points = ids.map((id, at) => ({
    id,
    vector: 'size' in vectors ? vector(at) : Object.fromEntries(Object.keys(vectors).map((of) => [of, vector(at)])),
    payload: { note: `it's \`id\` $HOME "${at}" \\ é` },
  }))
  expect(await send('PUT', `/collections/${encodeURIComponent(name)}/points?wait=true`, { points })).toContain(
    'completed',
  )
  return ids
}

const found = () => page.locator('.results li strong').allTextContents()

describe('a query begins', () => {
  it.each([
    ['wide', { size: 40, distance: 'Cosine' }],
    ['named', { image: { size: 40, distance: 'Cosine' } }],
  ])('with a stored point and its vector, in %s', async (name, vectors) => {
    const ids = await fillWide(name, vectors)
    page = await stage.open()
    await page.at(`/collections/${name}/query`)
    await page.getByRole('button', { name: 'Run' }).click()
    await expect.poll(found).toEqual([ids[1]])
    await page.getByLabel('Query: start from').selectOption('A vector')
    await page.getByRole('button', { name: 'Run' }).click()
    await expect.poll(found).toEqual(ids)
  })

  it('where there are no points, with a vector of the right length', async () => {
    await send('PUT', '/collections/none', { vectors: { size: 40, distance: 'Cosine' } })
    page = await stage.open()
    await page.at('/collections/none/query')
    await page.getByLabel('Query: start from').selectOption('A vector')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('0 points in').waitFor()
  })

  it('by a link, and runs at once with the vector that the link names', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query?id=5&using=text')
    const asked = JSON.parse(await send('POST', '/collections/photos/points/query', { query: 5, using: 'text' }))
    await expect.poll(found).toEqual(asked.result.points.map(({ id }: { id: number }) => String(id)))
    expect(await page.getByLabel('Query: body as JSON', { exact: true }).inputValue()).toContain('"using": "text"')
  })

  it('by a link with an id that is no JSON, and tells the error of the service', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query?id=abc')
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/abc/)
  })
})

describe('the same request', () => {
  const NAME = "it's `id` $HOME & more"
  const SENT = {
    query: { nearest: 'b1b2c3d4-0000-4000-8000-000000000001' },
    filter: { must_not: [{ key: "it's", match: { value: '"\\ $HOME `id` \'' } }] },
  }

  it('as text is what was sent', async () => {
    await fillWide(NAME, { size: 40, distance: 'Cosine' })
    page = await stage.open()
    await page.at(`/collections/${encodeURIComponent(NAME)}/query`)
    await page.getByLabel('Query: body as JSON', { exact: true }).fill(JSON.stringify(SENT))
    const [asked] = await Promise.all([
      page.waitForRequest((request) => request.url().includes('points/query')),
      page.getByRole('button', { name: 'Run' }).click(),
    ])
    const text = await page.getByLabel('The request as curl').textContent()
    for (const part of ['"explain": true', '"with_payload": true', '"filter"']) expect(text).toContain(part)
    const body = asked.postData() ?? ''
    expect(text).toContain(body.replaceAll("'", `'\\''`))
  })

  it.each([
    ['curl', 'sh', (text: string) => text],
    ['TypeScript', process.execPath, (text: string) => `${text}\nconsole.log(JSON.stringify({ result }))`],
    ['Python', 'python3', (text: string) => `${text}\nprint(json.dumps({"result": result}))`],
  ])('as %s gives the same points, whatever the name and the body', async (kind, program, whole) => {
    await fillWide(NAME, { size: 40, distance: 'Cosine' })
    page = await stage.open()
    await page.at(`/collections/${encodeURIComponent(NAME)}/query`)
    await page.getByLabel('Query: body as JSON', { exact: true }).fill(JSON.stringify(SENT))
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByLabel('Language of the request').selectOption(kind)
    const shown = page.getByLabel(`The request as ${kind}`)
    const file = join(stage.folder, `request-${kind}.mjs`)
    const { VICINAL_API_KEY: _, ...keyless } = process.env
    const expectPoints = async (env: NodeJS.ProcessEnv) => {
      writeFileSync(file, whole((await shown.textContent()) ?? ''))
      const { stdout } = await run(program, [file], { env })
      const { points } = JSON.parse(stdout).result
      expect(points.map(({ id }: { id: string }) => id)).toEqual(await found())
      expect(points[0].payload.note).toContain("it's `id` $HOME")
    }
    expect(await shown.textContent()).not.toContain('api-key')
    await expectPoints(keyless)
    await page.getByRole('button', { name: 'Key', exact: true }).click()
    await page.getByLabel('Key', { exact: true }).fill('a secret')
    await page.getByRole('button', { name: 'Use it' }).click()
    await expect.poll(() => shown.textContent()).toContain('api-key')
    expect(await shown.textContent()).not.toContain('a secret')
    await expectPoints({ ...keyless, VICINAL_API_KEY: 'a secret' })
  })
})
