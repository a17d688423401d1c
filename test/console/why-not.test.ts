/** "Why is a point not here?" below the results of a query: each reason, on a collection with sure misses. */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, setTheStage, type Watched } from './browser.js'

const stage = setTheStage()
const POINTS = 4_000
const SIZE = 48
const EASY = 24
/** Ids that a double cannot hold. */
const FIRST_ID = 9_007_199_254_740_993n
const LONER = 'b1b2c3d4-0000-4000-8000-000000000001'
let page: Watched
let missed: { of: string; id: string; rank: number }

const idOf = (at: number) => String(FIRST_ID + BigInt(at))

async function send(method: string, path: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(stage.service.url + path, { method, headers, body })
  const text = await answer.text()
  expect(answer.ok, text).toBe(true)
  return text
}

/** Ids as they stand in the text. */
async function ask(body: string): Promise<string[]> {
  const text = await send('POST', '/collections/many/points/query', body)
  return [...text.matchAll(/"id":(\d+)/g)].map(([, id]) => id as string)
}

async function runAndAsk(query: string, id: string): Promise<string> {
  page = await stage.open()
  await page.at('/collections/many/query')
  await page.getByLabel('Query: body as JSON', { exact: true }).fill(query)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  return await askWhy(id)
}

async function askWhy(id: string): Promise<string> {
  await page.getByLabel('Query: id of the missing point').fill(id)
  await page.getByRole('button', { name: 'Tell why' }).click()
  await page.locator('.why strong').waitFor()
  return (await page.locator('.why').textContent()) ?? ''
}

beforeAll(async () => {
  // Numbers of the normal distribution, the same each time.
  let state = 20_261_202
  const even = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 1) / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(even())) * Math.cos(2 * Math.PI * even())
  const vector = () => Array.from({ length: SIZE }, () => Number(normal().toFixed(4)))
  // Near a space of fewer dimensions, where a walk costs less than a scan of so few.
  const axes = Array.from({ length: 16 }, () => Array.from({ length: EASY }, normal))
  const easy = () => {
    const along = axes.map(normal)
    return axes[0]?.map((_, at) =>
      axes.reduce((sum, axis, of) => sum + (along[of] ?? 0) * (axis[at] ?? 0), normal() / 10),
    )
  }
  const vectors = {
    body: { size: SIZE, distance: 'Cosine' },
    easy: { size: EASY, distance: 'Cosine' },
    title: { size: 2, distance: 'Dot' },
  }
  await send('PUT', '/collections/many', JSON.stringify({ vectors }))
  const points = Array.from({ length: POINTS }, (_, at) => {
    const kept = JSON.stringify({ vector: { body: vector(), easy: easy() }, payload: { kind: at % 7 } })
    return `{"id":${idOf(at)},${kept.slice(1)}`
  })
  points.push(JSON.stringify({ id: LONER, vector: { title: [1, 2] }, payload: { kind: 1 } }))
  await send('PUT', '/collections/many/points?wait=true', `{"points":[${points}]}`)
  const indexed = async () => {
    const answer = await fetch(`${stage.service.url}/collections/many`)
    return ((await answer.json()) as { result: { indexed_vectors_count: number } }).result.indexed_vectors_count
  }
  while ((await indexed()) < 2 * POINTS) await sleep(100)
  for (let at = 0; missed === undefined && at < 200; at++) {
    const of = idOf(at)
    const found = await ask(`{"query":${of},"using":"body","params":{"hnsw_ef":10}}`)
    const exact = await ask(`{"query":${of},"using":"body","params":{"exact":true}}`)
    const rank = exact.findIndex((id) => !found.includes(id))
    const id = exact[rank]
    // One that the recall of the collection does find.
    if (id !== undefined && (await ask(`{"query":${of},"using":"body"}`)).includes(id))
      missed = { of, id, rank: rank + 1 }
  }
  expect(missed).toBeDefined()
}, 300_000)

describe('a point that the approximate search missed', () => {
  it('is told with its rank and the effort that finds it, which a button puts into the editor', async () => {
    const told = await runAndAsk(`{"query":${missed.of},"using":"body","params":{"hnsw_ef":10}}`, missed.id)
    expect(told).toContain(`The approximate search missed it: by exact search it is number ${missed.rank}.`)
    expect(told).toMatch(
      /The search went by “graph”: it computed \d+ distances, over 4,001 points, with a beam 1\d wide/,
    )
    expect(told).toContain('hnsw_ef fixes the effort at 10.')
    expect(told).toMatch(/Without hnsw_ef, which aims at a recall of 0.95, it is found\./)
    await expectAccessible(page, 'the reason')
    const ef = /smallest hnsw_ef that finds it is (\d+)/.exec(told)?.[1]
    await page.getByRole('button', { name: `Put hnsw_ef ${ef} into the query` }).click()
    const editor = page.getByLabel('Query: body as JSON', { exact: true })
    expect(await editor.inputValue()).toMatch(new RegExp(`"query": ${missed.of},[^]*"hnsw_ef": ${ef}\\b`))
    await page.getByRole('button', { name: 'Leave hnsw_ef out of the query' }).click()
    expect(await editor.inputValue()).not.toContain('hnsw_ef')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.locator('.results strong', { hasText: missed.id }).waitFor()
    // The reason was that of the other answer.
    expect(await page.locator('.why strong').count()).toBe(0)
  })

  it('by a recall that was asked for is told with the misses that this recall allows', async () => {
    const query = (of: string) => `{"query":${of},"using":"easy","params":{"recall":0.3}}`
    let lost: { of: string; id: string } | undefined
    for (let at = 0; lost === undefined && at < 200; at++) {
      const of = idOf(at)
      const found = await ask(query(of))
      const id = (await ask(`{"query":${of},"using":"easy","params":{"exact":true}}`)).find(
        (one) => !found.includes(one),
      )
      if (id !== undefined) lost = { of, id }
    }
    const told = await runAndAsk(query(lost?.of ?? ''), lost?.id ?? '')
    expect(told).toContain('aims at a recall of 0.3: of 100 true neighbours, it may miss about 70 on average.')
    const recall = /With a recall of ([\d.]+), it is found/.exec(told)?.[1]
    await page.getByRole('button', { name: `Put recall ${recall} into the query` }).click()
    const editor = page.getByLabel('Query: body as JSON', { exact: true })
    expect(await editor.inputValue()).toContain(`"recall": ${recall}`)
  })

  it('is told on a phone without a page that is too wide', async () => {
    page = await stage.open({ viewport: { width: 375, height: 700 } })
    const body = `{"query":${missed.of},"using":"body","params":{"hnsw_ef":10}}`
    await page.at(`/collections/many/query?${new URLSearchParams({ body })}`)
    await page.locator('.results').waitFor()
    await askWhy(missed.id)
    const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(width, 'pixels beyond the window').toBeLessThanOrEqual(0)
  })
})

describe('a point is not among the results', () => {
  const query = `{"query":${idOf(0)},"using":"body","params":{"exact":true}`
  /** By exact search, the nearest first. */
  const all = () => ask(`${query},"limit":3000}`)

  it.each([
    ['that the collection does not have', '77', 'The collection has no point 77.'],
    ['without the vector that is searched', LONER, 'It has no vector “body”'],
    ['that the query is about', idOf(0), 'The query asks for the neighbours of this very point'],
  ])('%s', async (_, id, reason) => {
    expect(await runAndAsk(`${query}}`, id)).toContain(reason)
  })

  it('where it is a result, or the filter, the score, the offset or the limit leaves it out', async () => {
    const [first = '', second = '', ...others] = await all()
    const kind = Number(BigInt(second) - FIRST_ID) % 7
    const filter = `"filter":{"must":[{"key":"kind","match":{"value":${(kind + 1) % 7}}}]}`
    expect(await runAndAsk(`${query},${filter}}`, second)).toMatch(
      /The filter leaves it out: it does not meet {"key":"kind","match":{"value":\d}}\./,
    )
    expect(await runAndAsk(`${query},"offset":1}`, first)).toContain('its offset is 1, and the point is number 1')
    expect(await askWhy(second)).toContain('it is result 1')
    expect(await runAndAsk(`${query},"score_threshold":0.99}`, second)).toMatch(
      /Its score [\d.]+ does not reach the score_threshold of 0.99/,
    )
    const told = await runAndAsk(`${query},"limit":5}`, others[20] ?? '')
    expect(told).toContain('the query asks for the nearest 5, and it is number 23.')
    expect(told).toMatch(/number 23 of this query, with the score [\d.]+. The last result has [\d.]+/)
    await page.getByRole('button', { name: 'Put limit 23 into the query' }).click()
    expect(await page.getByLabel('Query: body as JSON', { exact: true }).inputValue()).toContain('"limit": 23')
    expect(await askWhy(others[2_000] ?? '')).toContain('it is not among the nearest 1000')
  })

  it('and no more than filters is told where queries are fused', async () => {
    const fused = `{"prefetch":[${query}}],"query":{"fusion":"rrf"},"limit":3}`
    expect(await runAndAsk(fused, LONER)).toContain('No more can be told of such a query')
  })
})

it('the recall of a vector that is walked through its graph is drawn as a curve', async () => {
  page = await stage.open()
  await page.at('/collections/many/recall')
  await page.locator('select').first().selectOption('easy')
  await page.getByLabel('Queries').selectOption('50')
  await page.getByRole('button', { name: 'Measure' }).click()
  await page.locator('.plot canvas').waitFor({ timeout: 60_000 })
  await page.getByText('The marked point is the default').waitFor()
  expect(await page.getByText('the queries compare all vectors').count()).toBe(0)
})
