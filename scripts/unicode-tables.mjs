#!/usr/bin/env node
// Writes native/text/unicode_tables.inc from the Unicode data of the Node that runs it: the characters of words, their lower
// case, the ASCII forms of Latin ones, and the scripts without spaces between words. Run by hand when the tables are to
// follow a newer Unicode; a change of them changes the hits of text indexes.
import { writeFileSync } from 'node:fs'
import { path } from './process.mjs'

const LAST = 0x10ffff
/** Letters that decompose into nothing. */
const FOLDS = {
  Æ: 'AE',
  æ: 'ae',
  Œ: 'OE',
  œ: 'oe',
  Ø: 'O',
  ø: 'o',
  ß: 'ss',
  ẞ: 'SS',
  Þ: 'TH',
  þ: 'th',
  Ð: 'D',
  ð: 'd',
  Đ: 'D',
  đ: 'd',
  Ł: 'L',
  ł: 'l',
  ı: 'i',
  Ħ: 'H',
  ħ: 'h',
  Ŋ: 'N',
  ŋ: 'n',
  Ŧ: 'T',
  ŧ: 't',
  ĸ: 'q',
  Ɓ: 'B',
  ɓ: 'b',
  Ɖ: 'D',
  ɖ: 'd',
  Ɗ: 'D',
  ɗ: 'd',
  Ƒ: 'F',
  ƒ: 'f',
  Ɠ: 'G',
  ɠ: 'g',
  Ɨ: 'I',
  ɨ: 'i',
  Ƙ: 'K',
  ƙ: 'k',
  ƚ: 'l',
  Ɲ: 'N',
  ɲ: 'n',
  Ɵ: 'O',
  Ƥ: 'P',
  ƥ: 'p',
  Ƭ: 'T',
  ƭ: 't',
  Ʈ: 'T',
  Ʋ: 'V',
  ʋ: 'v',
  Ƴ: 'Y',
  ƴ: 'y',
  Ƶ: 'Z',
  ƶ: 'z',
  Ǝ: 'E',
  ǝ: 'e',
  Ə: 'A',
  ə: 'a',
  Ɔ: 'O',
  ɔ: 'o',
}

function rangesOf(pattern) {
  const ranges = []
  for (let point = 0; point <= LAST; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue
    if (!pattern.test(String.fromCodePoint(point))) continue
    const last = ranges.at(-1)
    if (last && last[1] === point - 1) last[1] = point
    else ranges.push([point, point])
  }
  return ranges
}

/** Runs of letters whose lower case is as far away, each or every other one. */
function lowerRuns() {
  const runs = []
  for (let point = 0; point <= LAST; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue
    const lower = Array.from(point === 0x130 ? 'i' : String.fromCodePoint(point).toLowerCase())
    const delta = (lower[0]?.codePointAt(0) ?? point) - point
    if (lower.length !== 1 || delta === 0) continue
    const last = runs.at(-1)
    const step = last ? point - last.last : 0
    if (
      last &&
      last.delta === delta &&
      (step === 1 || step === 2) &&
      (last.first === last.last || last.step === step)
    ) {
      last.last = point
      last.step = step
    } else runs.push({ first: point, last: point, delta, step: 1 })
  }
  return runs
}

function folds() {
  const found = []
  for (let point = 0x80; point <= 0xffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue
    const character = String.fromCodePoint(point)
    if (!/[\p{Script=Latin}\p{Nd}]/u.test(character)) continue
    const plain = FOLDS[character] ?? character.normalize('NFKD').replace(/\p{M}/gu, '')
    const folded = Array.from(plain, (letter) => FOLDS[letter] ?? letter).join('')
    if (folded.length > 0 && /^[A-Za-z0-9]+$/.test(folded)) found.push([point, folded])
  }
  return found
}

function table(type, name, entries) {
  const lines = []
  let line = '   '
  for (const entry of entries) {
    if (line.length + entry.length > 98) {
      lines.push(line)
      line = '   '
    }
    line += ` ${entry},`
  }
  return `constexpr ${type} ${name}[] = {\n${[...lines, line].join('\n')}\n};\n`
}

const hex = (number) => `0x${number.toString(16)}`
const range = ([first, last]) => `{${hex(first)}, ${hex(last)}}`
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

writeFileSync(
  path('native/text/unicode_tables.inc'),
  [
    `// Written by scripts/unicode-tables.mjs from Unicode ${process.versions.unicode}.\n`,
    table('Range', 'kWordCharacters', rangesOf(/[\p{Alphabetic}\p{N}\p{M}]/u).map(range)),
    table('Range', 'kUnspacedScripts', rangesOf(UNSPACED).map(range)),
    table(
      'LowerRun',
      'kLowerRuns',
      lowerRuns().map(({ first, last, delta, step }) => `{${hex(first)}, ${hex(last)}, ${delta}, ${step}}`),
    ),
    table(
      'Fold',
      'kFolds',
      folds().map(([point, text]) => `{${hex(point)}, "${text}"}`),
    ),
  ].join('\n'),
)
