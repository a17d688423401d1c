/** The console of a token's holder: it shows what the token opens, and offers no more. */
import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { setTheStage, type Watched } from './browser.js'

const KEY = 'a key that may write and has 32 bytes or more'
const stage = setTheStage({ VICINAL_API_KEY: KEY, VICINAL_JWT_RBAC: 'true' })

async function pageOf(access: string): Promise<Watched> {
  const claims = { subject: 'eva', access: access === 'm' ? 'm' : [{ collection: 'photos', access }] }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(KEY))
  return await stage.open({ key: token })
}

/** Pages of a collection: the heading that is there once all is, and the change that they offer. */
const PAGES = [
  { tab: 'quality', heading: /^Quality of/, change: 'Compare later data with that of now' },
  { tab: 'quarantine', heading: /^Rules and quarantine/, change: 'Change the rules …' },
  { tab: 'recall', heading: 'Recall against latency', change: 'Show the change …' },
]

const CHANGES = [
  ...['Make one', 'Index it', 'Add it', 'Change …', 'Delete this collection …'],
  ...PAGES.map(({ change }) => change),
]

/** The changes that the page offers. */
async function offered(page: Watched): Promise<string[]> {
  const seen = await Promise.all(
    CHANGES.map(async (name) => ((await page.getByRole('button', { name, exact: true }).count()) > 0 ? [name] : [])),
  )
  return seen.flat()
}

it('of a token that reads one collection offers no changes', async () => {
  const page = await pageOf('r')
  await page.at('/')
  await expect.poll(() => page.getByRole('row', { name: /photos/ }).count(), { timeout: 60_000 }).toBe(1)
  // Until the rights are known, nothing is offered to anyone.
  await page.getByText('eva: reads photos').waitFor()
  await page.at('/collections/photos')
  await page.getByRole('heading', { name: 'Snapshots' }).waitFor()
  expect(await offered(page)).toEqual([])
  expect(await page.getByRole('link', { name: 'Bring data' }).count()).toBe(0)
  await page.at('/collections/photos/points')
  await expect
    .poll(() => page.getByRole('link', { name: 'Neighbours' }).count(), { timeout: 60_000 })
    .toBeGreaterThan(0)
  expect(await page.getByRole('button', { name: 'Edit' }).count()).toBe(0)
  for (const { tab, heading } of PAGES) {
    await page.at(`/collections/photos/${tab}`)
    await page.getByRole('heading', { name: heading }).waitFor()
    expect(await offered(page), tab).toEqual([])
  }
})

it('of a token asks for nothing that is refused, and shows the numbers of its collections', async () => {
  const page = await pageOf('r')
  const asked: string[] = []
  page.on('response', (answer) => {
    if (answer.status() === 403) asked.push(answer.url())
  })
  await page.at('/')
  const row = page.getByRole('row', { name: /photos/ })
  await expect.poll(() => row.textContent(), { timeout: 60_000 }).toMatch(/^photos200400.*(green|yellow)$/)
  expect(await page.locator('.tile').count()).toBe(0)
  // A look at the metrics would come every two seconds.
  await page.waitForTimeout(5_000)
  expect(asked).toEqual([])
})

it('of a key asks rarely for what the audit log tells of', async () => {
  const page = await stage.open({ key: KEY })
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.at('/')
  const looks = () => asked.filter((path) => path === '/metrics').length
  await expect.poll(looks, { timeout: 60_000 }).toBeGreaterThan(6)
  for (const path of ['/issues', '/cluster']) expect(asked.filter((one) => one === path)).toHaveLength(1)
  await page.locator('.tile', { hasText: 'Collections' }).waitFor()
})

it('of a key that may do everything offers what is hidden from tokens', async () => {
  const page = await stage.open({ key: KEY })
  for (const { tab, heading, change } of PAGES) {
    await page.at(`/collections/photos/${tab}`)
    await page.getByRole('heading', { name: heading }).waitFor()
    await expect.poll(() => offered(page), { timeout: 60_000 }).toEqual([change])
  }
})

it('of a token that writes one collection offers its points, indexes and snapshots', async () => {
  const page = await pageOf('rw')
  await page.at('/collections/photos')
  await expect.poll(() => offered(page), { timeout: 60_000 }).toEqual(['Make one', 'Index it'])
  expect(await page.getByRole('link', { name: 'Bring data' }).count()).toBe(1)
  await page.at('/collections/photos/points')
  await expect.poll(() => page.getByRole('button', { name: 'Edit' }).count(), { timeout: 60_000 }).toBeGreaterThan(0)
})

it('of a token that writes points alone says what it does not show, and asks for no refusal', async () => {
  const page = await pageOf('prw')
  const refused: string[] = []
  page.on('response', (answer) => answer.status() === 403 && refused.push(answer.url()))
  await page.at('/collections/photos')
  await page.getByText('eva: writes points of photos').waitFor()
  await page.getByText('These rights do not list snapshots').waitFor()
  expect(await offered(page)).toEqual([])
  await page.at('/collections/photos/points')
  await page.getByRole('button', { name: 'Edit' }).first().waitFor()
  await page.at('/collections/photos/quarantine')
  await page.getByText('These rights do not read the quarantine kept-back').waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
  expect(refused).toEqual([])
})

it('of a token that does everything offers everything', async () => {
  const page = await pageOf('m')
  await page.at('/collections/photos')
  await page.getByText('eva: may do everything').waitFor()
  await expect
    .poll(() => offered(page), { timeout: 60_000 })
    .toEqual(['Make one', 'Index it', 'Add it', 'Change …', 'Delete this collection …'])
  await page.at('/collections/photos/quarantine')
  await page.getByRole('article').first().waitFor()
})

it('marks routes that a token does not open', async () => {
  const page = await pageOf('r')
  await page.at(`/api?${new URLSearchParams({ route: 'PUT /collections/{collection_name}/points' })}`)
  await page.getByText('The rights of this tab do not open this route').waitFor()
  const item = (route: string) =>
    page.getByRole('listitem').filter({ has: page.getByRole('link', { name: route, exact: true }) })
  await page.getByLabel('Path or summary contains').fill('points')
  await expect.poll(() => item('PUT /collections/{collection_name}/points').textContent()).toContain('refused to you')
  expect(await item('POST /collections/{collection_name}/points/count').textContent()).not.toContain('refused to you')
})
