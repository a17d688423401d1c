import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../../../src/bucket/address.js'
import { newManifest } from '../../../../src/engine/catalogue/manifest-file.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import { CacheFolder } from '../../../../src/engine/stores/cache-folder.js'
import { OwnerStore } from '../../../../src/engine/stores/owner-store.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('an owner keeps nothing of a collection that is closed', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-owner-'))
  const address = parseStore(pathToFileURL(join(root, 'bucket')).href)
  const store = await OwnerStore.open(address, await CacheFolder.open(join(root, 'cache')))
  onTestFinished(async () => {
    await store.close()
    rmSync(root, { recursive: true, force: true })
  })
  const manifest = newManifest('things', resolveConfig({ vectors: { size: 2, distance: 'Dot' } }))
  await store.create(manifest)
  const used = async () => {
    const engine = await store.open(manifest)
    await engine.close()
    return new WeakRef(engine)
  }
  const closed = await used()
  const isGone = async () => {
    // A reference that was looked at is held until the next turn.
    await new Promise(setImmediate)
    collectGarbage()
    return closed.deref() === undefined
  }
  await expect.poll(isGone, { timeout: 60_000 }).toBe(true)
})
