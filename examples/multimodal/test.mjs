// Runs the example small. `npm test` after `npm install`; it takes about a minute.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { main } from './main.mjs'

test('emoji are found by picture, by words, and by both', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-emoji-'))
  try {
    const { count, found } = await main({ data: join(folder, 'data'), limit: 120 })
    assert.equal(count, 120)
    // The first 120 are faces and their kin: faces are near a face, and a word finds the emoji of that name.
    assert.equal(found.picture.length, 6)
    assert.ok(found.picture.every(({ payload }) => /FACE/.test(payload.name)))
    assert.equal(found.words.length, 6)
    assert.ok(found.both.some(({ payload }) => /CRY|TEAR|SAD/i.test(payload.name)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
