import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { markdownTable, SERVE_SETTINGS } from '../../../src/cli/settings.js'

const ROOT = new URL('../../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, ROOT), 'utf8')
const PAGES = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT)).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]

test('the table of docs/settings.md matches the command line', () => {
  expect(read('docs/settings.md')).toContain(markdownTable(SERVE_SETTINGS))
})

test.each(PAGES)('every command that %s names exists', (page) => {
  const text = read(page)
  const ours = Object.keys(JSON.parse(read('package.json')).scripts)
  for (const [, name] of text.matchAll(
    /(?<!bench && npm ci && )npm (?:run )?(start|test(?!s)(?::[a-z]+)?|check|fuzz:[a-z]+)\b/g,
  )) {
    expect(ours).toContain(name)
  }
  for (const [, file] of text.matchAll(/node ((?:scripts|bench)\/[\w-]+\.mjs)/g))
    expect(() => read(file as string)).not.toThrow()
})
