#!/usr/bin/env node
// Counts sentences that are hard to read, in Markdown and in comments: those that hang on a headless "who", "what" or
// "which", and those of more than 25 words. By hand: `node scripts/check-words.mjs` prints totals and the worst files, with
// paths it prints every such sentence of these files or folders. It guesses words by their neighbours, so a count is a lead.
import { readFileSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { filesBelow, ROOT } from './process.mjs'

const MOST_WORDS = 25
const WORST = 25
const FOLDERS = ['docs', 'src', 'native', 'test', 'scripts', 'bench']
const COMMENTED = /\.(ts|mjs|cpp|hpp)$/
/** A pronoun after one of these, or after a comma or nothing, has no noun that it refers to. */
const BEFORE =
  'about after and as at because before but by for from if in into is are was of on or over so than that then through to until when where whether while with'
const HEADLESS = new RegExp(
  `(?:^|[,;:(–—] ?|\\b(?:${BEFORE.replaceAll(' ', '|')}) )(?:who|whom|whose|whoever|whatever|what)\\b|^which(?:ever)?\\b`,
  'gi',
)

function textsOf(file) {
  const text = readFileSync(resolve(ROOT, file), 'utf8')
  return file.endsWith('.md') ? blocksOf(text) : COMMENTED.test(file) ? commentsOf(text) : []
}

/** Paragraphs, list items and cells, without code. */
function blocksOf(text) {
  const prose = text
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/^(?: {4}|\t).*$/gm, (line) => (/^ {4}[-*\d]/.test(line) ? line : ''))
  const lines = prose.split('\n').map((line) => (line.startsWith('|') ? `\n${line.replaceAll('|', '\n\n')}\n` : line))
  return lines.join('\n').split(/\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.) )/)
}

/** Comments, those of consecutive lines as one. */
function commentsOf(text) {
  const found = [...text.matchAll(/\/\*\*?([\s\S]*?)\*\//g)].map(([, body]) => body.replace(/^\s*\* ?/gm, ''))
  const lines = [...text.matchAll(/(?:^[ \t]*\/\/.*\n?)+/gm)].map(([block]) => block.replace(/^[ \t]*\/\/ ?/gm, ''))
  return [...found, ...lines].flatMap((comment) => comment.split(/\n\s*\n/))
}

function sentencesOf(block) {
  const plain = block
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`[^`]*`/g, 'Code')
    .replace(/^\s*(?:[-*#>]+|\d+\.)\s+/, '')
    .replace(/[*_]{1,2}/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.split(/(?<=[.!?:]["”)]?)\s+(?=[\p{Lu}\d"“(])/u).filter((sentence) => /\p{L}/u.test(sentence))
}

const wordsOf = (sentence) => sentence.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,/-]*/gu)?.length ?? 0

function countsOf(file) {
  const counts = { file, words: 0, headless: 0, long: 0, hard: [] }
  for (const sentence of textsOf(file).flatMap(sentencesOf)) {
    const words = wordsOf(sentence)
    const headless = sentence.endsWith('?') ? 0 : (sentence.match(HEADLESS)?.length ?? 0)
    counts.words += words
    counts.headless += headless
    counts.long += words > MOST_WORDS ? 1 : 0
    if (headless > 0 || words > MOST_WORDS)
      counts.hard.push(`${headless > 0 ? 'headless' : `${words} words`}: ${sentence}`)
  }
  return counts
}

const rateOf = ({ headless, words }) => (words === 0 ? 0 : (100 * headless) / words)
const lineOf = (counts) =>
  `${rateOf(counts).toFixed(2).padStart(5)} headless per 100 words, ${String(counts.long).padStart(4)} long of ${counts.words} words  ${counts.file}`

const isProse = (file) => file.endsWith('.md') || COMMENTED.test(file)
const below = (folder) => filesBelow(folder, (file) => isProse(file) && !/native\/(build|snowball)\//.test(file))

function sumOf(name, counted) {
  const sum = (key) => counted.reduce((total, counts) => total + counts[key], 0)
  return { file: name, words: sum('words'), headless: sum('headless'), long: sum('long') }
}

const given = process.argv.slice(2).map((name) => relative(ROOT, resolve(name)))
if (given.length > 0) {
  for (const file of given.flatMap((name) => (statSync(resolve(ROOT, name)).isDirectory() ? below(name) : [name]))) {
    const counts = countsOf(file)
    if (counts.hard.length > 0)
      process.stdout.write(`${lineOf(counts)}\n${counts.hard.map((line) => `    ${line}\n`).join('')}`)
  }
} else {
  const all = new Map(FOLDERS.map((folder) => [`${folder}/`, below(folder).map(countsOf)]))
  all.set('pages at the root', ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map(countsOf))
  for (const [name, counted] of all) process.stdout.write(`${lineOf(sumOf(name, counted))}\n`)
  const worst = [...all.values()].flat().sort((a, b) => b.headless + b.long - a.headless - a.long)
  process.stdout.write(`\n${worst.slice(0, WORST).map(lineOf).join('\n')}\n`)
}
