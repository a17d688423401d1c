#!/usr/bin/env node
// Proves that docs name files that exist: paths of this repository in docs/ARCHITECTURE.md and docs/design/, and relative
// links, with their anchors, in all pages. `node scripts/check-docs.mjs FILE…` checks paths and links of those pages alone.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesBelow, ROOT } from './process.mjs'

const MAPS = /^docs\/(ARCHITECTURE\.md$|design\/)/
const ROOM = /(?<![\w/.<>@*-])(?:src|native|test|scripts|bench|docs)\/[\w./-]*\w/g
const LINK = /\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)/g

/** One line for each path or link that leads nowhere. */
export function findings(pages = allPages(), namesPaths = (page) => MAPS.test(page)) {
  return pages.flatMap((page) => {
    const text = readFileSync(resolve(ROOT, page), 'utf8')
    return [...(namesPaths(page) ? missingPaths(page, text) : []), ...brokenLinks(page, text)]
  })
}

const allPages = () => [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md'],
  ...filesBelow('docs', (file) => file.endsWith('.md')),
]

function missingPaths(page, text) {
  const named = new Set([...text.matchAll(ROOM)].map(([name]) => name))
  return [...named].filter((name) => !isThere(name)).map((name) => `${page}: names ${name}, which does not exist`)
}

/** Tests are also named by the beginning of their paths, as `npm test` takes them. */
function isThere(name) {
  if (existsSync(resolve(ROOT, name))) return true
  return /^(test|native\/test)\//.test(name) && filesBelow(dirname(name), (file) => file.startsWith(name)).length > 0
}

function brokenLinks(page, text) {
  const found = []
  for (const [, file, anchor] of text.matchAll(LINK)) {
    const target = file === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), file))
    if (!existsSync(resolve(ROOT, target))) found.push(`${page}: links to ${target}, which does not exist`)
    else if (anchor && target.endsWith('.md') && !anchorsOf(target).has(anchor))
      found.push(`${page}: links to #${anchor} of ${target}, which has no such heading`)
  }
  return found
}

/** As GitHub makes them of headings. */
function anchorsOf(page) {
  const headings = readFileSync(resolve(ROOT, page), 'utf8').matchAll(/^#+ (.*)$/gm)
  return new Set(
    [...headings].map(([, text]) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2)
  const found = given.length > 0 ? findings(given, () => true) : findings()
  for (const line of found) process.stdout.write(`${line}\n`)
  process.exitCode = found.length > 0 ? 1 : 0
}
