/** Each page of the console does its job, on the real service, in a real browser. */
import { describe, expect, it } from 'vitest'
import { setTheStage, type Watched } from './browser.js'
import { PHOTOS } from './photos.js'

const stage = setTheStage()
let page: Watched

// Each caller knows what it asks for.
// biome-ignore lint/suspicious/noExplicitAny: the answers of several routes
const post = async (path: string, body: object): Promise<any> => {
  const answer = await fetch(stage.service.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return ((await answer.json()) as { result: never }).result
}

describe('the overview', () => {
  it('lists the collections with their numbers and leads to them', async () => {
    page = await stage.open()
    await page.at('/')
    const row = page.getByRole('row', { name: /photos/ })
    // Points, vectors, their indexed share, memory, and the status.
    const numbers = new RegExp(`^photos${PHOTOS}${2 * PHOTOS}.* %.*iB.*(green|yellow)$`)
    await expect.poll(() => row.textContent()).toMatch(numbers)
    for (const column of ['Vectors', 'Memory', 'Disk', 'Status'])
      await page.getByRole('columnheader', { name: column }).waitFor()
    await page.getByPlaceholder('Name contains').fill('none of these')
    await expect.poll(() => page.getByText('No collection has').count()).toBe(1)
    await page.getByPlaceholder('Name contains').fill('pho')
    await row.getByRole('link').click()
    await expect.poll(() => page.locator('h1').textContent()).toContain('photos')
  })

  it('tells requests and latency as they come', async () => {
    page = await stage.open()
    await page.at('/')
    const reads = page.locator('.tile', { hasText: 'Reads' })
    await expect
      .poll(async () => {
        await post('/collections/photos/points/query', { query: 7, using: 'image' })
        return await reads.textContent()
      })
      .toMatch(/Reads, lately[\d.]+ ms/)
    await page.getByRole('img', { name: /^Latency: .*writes p50/ }).waitFor()
  })
})

describe('a collection', () => {
  it('tells memory by part, indexes and configuration, and changes them', async () => {
    page = await stage.open()
    await page.at('/collections/photos')
    await expect.poll(() => page.getByRole('row', { name: /^payload \d/ }).count()).toBe(1)
    const { memory, ...info } = await (async () => {
      const answer = await fetch(`${stage.service.url}/collections/photos`)
      // biome-ignore lint/suspicious/noExplicitAny: the answer of a route
      return ((await answer.json()) as { result: any }).result
    })()
    const index = memory.vectors.image.graph.bytes > 0 ? /graph of/ : /no graph: scanned/
    expect(await page.getByRole('row', { name: /^image 8 Cosine/ }).textContent()).toMatch(index)
    // Memory is taken by pages: of small parts it is more than their size.
    await page
      .locator('.tile', { hasText: /^In memory[\d.]+ KiB(of [\d.]+ KiB in all|all [\d.]+ KiB, in whole pages)$/ })
      .waitFor()
    const indexed = page.locator('.tile', { hasText: 'Vectors in the index' })
    expect(await indexed.textContent()).toContain(` of ${info.vectors_count}`)
    await expect.poll(() => page.getByText('No segment is being built').count()).toBe(1)
    await page.getByLabel('Payload key to index').fill('iso')
    await page.getByLabel('Kind of index').selectOption('integer')
    await page.getByRole('button', { name: 'Index it' }).click()
    await expect.poll(() => page.getByRole('row', { name: /^iso integer/ }).textContent()).toContain('100.0 %')

    await page.getByRole('button', { name: 'Change …' }).click()
    await page.getByLabel('Fields to change').fill('{"hnsw_config":{"m":1}}')
    await page.getByRole('button', { name: 'Change them' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/hnsw_config/)
    await page.getByLabel('Fields to change').fill('{"hnsw_config":{"m":24}}')
    await page.getByRole('button', { name: 'Change them' }).click()
    await expect.poll(() => page.getByLabel('Configuration').textContent()).toContain('"m": 24')
  })

  it('makes aliases and snapshots, downloads one and deletes it', async () => {
    page = await stage.open()
    await page.at('/collections/photos')
    await page.getByLabel('New alias').fill('pictures')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByRole('button', { name: 'Remove the alias pictures' }).click()
    await page.getByLabel('to go on').fill('pictures')
    await page.getByRole('button', { name: 'Remove it' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Remove the alias pictures' }).count()).toBe(0)

    await page.getByRole('button', { name: 'Make one' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    expect((await download).suggestedFilename()).toMatch(/\.snapshot$/)
    await page.getByRole('button', { name: 'Delete …' }).first().click()
    const name = (await page.getByRole('dialog').locator('label').textContent())?.match(/“(.*)”/)?.[1]
    await page.getByLabel('to go on').fill(name ?? '')
    await page.getByRole('button', { name: 'Delete it' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Download' }).count()).toBe(0)
  })

  it('is deleted only once its name was typed', async () => {
    await fetch(`${stage.service.url}/collections/drafts`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vectors: { size: 2, distance: 'Dot' } }),
    })
    page = await stage.open()
    await page.at('/collections/drafts')
    await page.getByRole('button', { name: 'Delete this collection' }).click()
    const confirm = page.getByRole('button', { name: 'Delete it' })
    await page.getByLabel('to go on').fill('draft')
    expect(await confirm.isDisabled()).toBe(true)
    await page.getByLabel('to go on').fill('drafts')
    await confirm.click()
    await expect.poll(() => page.locator('h1').textContent()).toBe('Overview')
    expect((await fetch(`${stage.service.url}/collections/drafts`)).status).toBe(404)
  })
})

describe('points', () => {
  it('are filtered by clicks on facets and values', async () => {
    page = await stage.open()
    await page.at('/collections/photos/points')
    await page.getByLabel('Values of camera').getByRole('button', { name: 'Leica' }).click()
    const leicas = (await post('/collections/photos/points/count', { filter: leica() })).count
    await expect.poll(() => page.getByText(`${leicas} points`).count()).toBe(1)
    await page.getByRole('article').first().getByRole('button', { name: 'sea', exact: true }).click()
    await expect.poll(() => page.getByLabel('Filter').textContent()).toContain('tags[] = sea')
    await page.getByRole('button', { name: 'Turn round camera = Leica' }).click()
    await expect.poll(() => page.getByText(`${PHOTOS - leicas} points`).count()).toBe(1)
  })

  it('are edited and deleted, and lead to their neighbours', async () => {
    page = await stage.open()
    await page.at('/collections/photos/points')
    const card = page.getByLabel('Point 3', { exact: true })
    await card.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: 'Payload' }).fill('{"camera":"Fuji","note":"seen"}')
    await page.getByRole('button', { name: 'Store it' }).click()
    await expect.poll(() => card.textContent()).toContain('seen')
    expect((await post('/collections/photos/points', { ids: [3] }))[0].payload).toEqual({
      camera: 'Fuji',
      note: 'seen',
    })

    await page.getByLabel('Point 4', { exact: true }).getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('button', { name: 'Delete it' }).click()
    await expect.poll(() => page.getByLabel('Point 4', { exact: true }).count()).toBe(0)
    expect(await post('/collections/photos/points', { ids: [4] })).toEqual([])

    await page.getByLabel('Point 5', { exact: true }).getByRole('link', { name: 'Neighbours' }).click()
    await expect.poll(() => page.locator('.results li').count()).toBe(10)
  })
})

describe('a query', () => {
  it('tells its points, its plan as a tree, and itself as a request', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    await page.getByLabel('Query: start from').selectOption('Two vectors fused')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await expect.poll(() => page.locator('.plan > li > ul > li').count()).toBe(2)
    const found = await post('/collections/photos/points/query', {
      prefetch: ['image', 'text'].map((using) => ({ query: 0, using, limit: 50 })),
      query: { fusion: 'rrf' },
    })
    expect(await page.locator('.results li strong').allTextContents()).toEqual(
      found.points.map(({ id }: { id: number }) => String(id)),
    )
    await page.getByLabel('Language of the request').selectOption('Python')
    await expect.poll(() => page.getByLabel('The request as Python').textContent()).toContain('urllib.request')
  })

  it('stands beside another one, with what only one of them found', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    await page.getByText('Two queries beside each other').click()
    await page.getByLabel('Query: body as JSON', { exact: true }).fill('{"query":7,"using":"image","limit":5}')
    await page.getByLabel('Second query: body as JSON').fill('{"query":7,"using":"text","limit":5}')
    for (const run of await page.getByRole('button', { name: 'Run', exact: true }).all()) await run.click()
    const both: { points: { id: number }[] }[] = await Promise.all(
      ['image', 'text'].map((using) => post('/collections/photos/points/query', { query: 7, using, limit: 5 })),
    )
    const [first, second] = both.map(({ points }) => points.map(({ id }) => id))
    const only = first?.filter((id: number) => !second?.includes(id)).length
    await expect.poll(() => page.locator('.columns > :first-child .only').count()).toBe(only)
  })

  it('that is wrong tells the error of the service', async () => {
    page = await stage.open()
    await page.at('/collections/photos/query')
    await page.getByLabel('Query: body as JSON', { exact: true }).fill('{"query":[1,2],"using":"image"}')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/expected dim: 8, got 2/)
  })
})

const leica = () => ({ must: [{ key: 'camera', match: { value: 'Leica' } }] })
