import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CHECK = fileURLToPath(new URL('../../scripts/check-docs.mjs', import.meta.url))
const check = (...pages: string[]) => spawnSync(process.execPath, [CHECK, ...pages], { encoding: 'utf8' })

test('every path and link of the docs exists', () => {
  const { status, stdout } = check()
  expect(stdout).toBe('')
  expect(status).toBe(0)
})

test('a broken path, link or anchor is reported', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-docs-'))
  const page = join(folder, 'page.md')
  writeFileSync(
    page,
    '# A page\n`src/core/limits.ts`, `src/query`, test/contract/dat; `src/core/gone.ts`.\n' +
      '[here](#a-page), [there](gone.md), [nowhere](#gone), [outside](https://example.com/src/gone)\n',
  )
  const { status, stdout } = check(page)
  rmSync(folder, { recursive: true })
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/names src\/core\/gone\.ts, which does not exist$/),
    expect.stringMatching(/links to .*gone\.md, which does not exist$/),
    expect.stringMatching(/links to #gone of .*, which has no such heading$/),
  ])
  expect(status).toBe(1)
})
