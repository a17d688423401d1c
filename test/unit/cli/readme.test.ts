import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SERVE_SETTINGS } from '../../../src/cli/settings.js'
import { markdownTable } from '../../../src/cli/settings-tables.js'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

test("README's table of settings is the one the command line parses by", () => {
  expect(readme).toContain(markdownTable(SERVE_SETTINGS))
})

test('every command that README names is there', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readme.matchAll(/(?<!bench && npm ci && )npm (?:run )?(start|test(?!s)(?::native)?|check)\b/g)]
  expect(named.length).toBeGreaterThan(0)
  for (const [, name] of named) expect(Object.keys(scripts)).toContain(name)
  for (const [, file] of readme.matchAll(/node (scripts\/[\w-]+\.mjs)/g)) {
    expect(() => readFileSync(new URL(`../../../${file}`, import.meta.url))).not.toThrow()
  }
})
