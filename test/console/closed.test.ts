/** Collections that close while nobody uses them: the overview tells of them, and opens them. */
import { expect, it } from 'vitest'
import { expectAccessible, setTheStage } from './browser.js'
import { PHOTOS } from './photos.js'

/** After its last use a collection closes soon. */
const stage = setTheStage({ VICINAL_COLLECTION_IDLE_MS: '1000' })

async function openCount(): Promise<string | undefined> {
  const text = await (await fetch(`${stage.service.url}/metrics`)).text()
  return /^collections_open (\d+)$/m.exec(text)?.[1]
}

it('have their points in the tiles, take no memory, and open by a press', async () => {
  await expect.poll(openCount, { timeout: 60_000, interval: 500 }).toBe('0')
  const page = await stage.open()
  await page.at('/')
  await page.getByText('2 of 2 collections are closed and take no memory').waitFor()
  const points = page.locator('.tile', { hasText: 'Points' })
  await expect.poll(() => points.textContent()).toContain(`Points${PHOTOS + 3}`)
  expect(await page.locator('.shares').count()).toBe(0)
  await expectAccessible(page, 'closed collections')
  await page.getByRole('button', { name: 'Open them' }).click()
  await page.locator('.shares').getByRole('link', { name: 'photos' }).waitFor()
  // The reads before this page count too.
  await page.locator('.tile', { hasText: 'no reads yet' }).waitFor()
  await fetch(`${stage.service.url}/collections/photos/points/7`)
  await page.reload()
  await expect
    .poll(() => page.locator('.tile', { hasText: 'Reads' }).textContent())
    .toMatch(/^Reads since start[\d.]+ ms/)
})
