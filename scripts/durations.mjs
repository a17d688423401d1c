// How long suites and steps of the set-up took. A run keeps its own in .cache/durations.json, for `npm run slowest`.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const FOLDER = new URL('../.cache/', import.meta.url)
const FILE = new URL('durations.json', FOLDER)
/** A run of fewer is one of chosen suites, and says nothing of the whole. */
const MANY = 20
const LONGEST = 10

/** Of this run: { name, seconds }. */
const durations = []

export const took = (name, seconds) => durations.push({ name, seconds })

/** Keeps what a run of many took, and returns lines with the longest. */
export function keepDurations() {
  if (durations.length < MANY) return []
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(FILE, JSON.stringify(durations))
  return longest(durations, LONGEST)
}

/** Of the last run of many, the longest: 10, or as many as are asked for. */
export function slowest([count = String(LONGEST)]) {
  const lines = existsSync(FILE)
    ? longest(JSON.parse(readFileSync(FILE, 'utf8')), Number(count))
    : ['no run is known; `npm test`, `npm run test:ci` and .ci/run make one']
  process.stdout.write(`${lines.join('\n')}\n`)
}

const longest = (all, count) =>
  [...all]
    .sort((left, right) => right.seconds - left.seconds)
    .slice(0, count)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`)
