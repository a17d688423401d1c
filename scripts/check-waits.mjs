#!/usr/bin/env node
// Finds fixed waits in tests without a reason beside them: how long something takes is up to the machine, so a test waits
// for an event or a condition. Where none exists, a comment on the line before, or on the same line, says why.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { filesBelow, path, ROOT } from './process.mjs'

const WAIT = /\bawait (?:sleep|delay)\(|\bPromise(?:<\w+>)?\(\((\w+)\) => setTimeout\(\1\b/
/** Between two looks at a condition. */
const LOOP = /^\s*(?:while|for) \(/
const COMMENT = /^\s*(?:\/\/|\*|\/\*)|\s\/\/ /

/** One line for each wait without a reason. */
export function findings() {
  return filesBelow('test', (file) => file.endsWith('.ts') && !file.includes('node_modules/')).flatMap((file) => {
    const lines = readFileSync(path(file), 'utf8').split('\n')
    return lines.flatMap((line, at) => {
      if (!WAIT.test(line) || LOOP.test(line) || COMMENT.test(line) || COMMENT.test(lines[at - 1] ?? '')) return []
      return `${file}:${at + 1}: waits for a time; wait for a condition (expect.poll, once), or say above why there is none`
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(ROOT)
  const found = findings()
  for (const line of found) process.stdout.write(`${line}\n`)
  process.exitCode = found.length === 0 ? 0 : 1
}
