// The load generator of load/load.cpp: builds it, hands it requests, and reads what it kept. It runs in a process of its
// own, so that neither this one's garbage collection nor its JavaScript is measured with a server.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runFolder } from './datasets.mjs'
import { compileAlone } from './kernel-program.mjs'

const MOST_OUTPUT_BYTES = 1 << 28
const LENGTH_BYTES = 4
const HEAD_BYTES = 8

/**
 * Sends requests, each a Buffer, over so many connections, one at a time on each. With `passes` each is asked once and
 * so many times more; answers of the first time and of the last are kept. With `seconds` they are asked in turns for so
 * long, and all answers are kept, beside `writes: { requests, connections, perSecond }` if given.
 * Resolves to { passes: [{ seconds, micros }], writes: { seconds, micros }, answers: [{ at, bytes }] }.
 */
export async function load({ port, protocol, opening = [], requests, connections, passes, seconds, writes }) {
  const folder = mkdtempSync(join(runFolder(), 'load-'))
  const file = (name, all) => {
    const path = join(folder, name)
    writeFileSync(path, Buffer.concat(all.flatMap((bytes) => [lengthOf(bytes), bytes])))
    return path
  }
  const kept = join(folder, 'answers')
  const args = [port, protocol, file('opening', opening), file('requests', requests), connections, kept]
  args.push(...(passes ? ['passes', passes] : ['seconds', seconds]))
  if (writes) args.push(file('writes', writes.requests), writes.connections, writes.perSecond)
  try {
    const { stdout } = await promisify(execFile)(compileAlone('load/load.cpp'), args.map(String), {
      maxBuffer: MOST_OUTPUT_BYTES,
    })
    return { ...JSON.parse(stdout), answers: answersOf(readFileSync(kept)) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function lengthOf(bytes) {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(bytes.length)
  return length
}

function answersOf(bytes) {
  const answers = []
  for (let from = 0; from < bytes.length; ) {
    const start = from + HEAD_BYTES
    const end = start + bytes.readUInt32LE(from + LENGTH_BYTES)
    answers.push({ at: bytes.readUInt32LE(from), bytes: bytes.subarray(start, end) })
    from = end
  }
  return answers
}
