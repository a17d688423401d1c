/** A copy of a folder in which background work may go on: what kill -9 would leave. */
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Copies until nothing changed during the copy. No test code writes meanwhile. */
export function copyAtOneMoment(from: string, to: string): void {
  while (!hasCopied(from, to)) rmSync(to, { recursive: true, force: true })
}

function hasCopied(from: string, to: string): boolean {
  try {
    const before = fingerprint(from)
    cpSync(from, to, { recursive: true })
    return fingerprint(from) === before
  } catch (error) {
    // A file disappeared just before it was copied.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(from)) return false
    throw error
  }
}

function fingerprint(of: string): string {
  const entries = readdirSync(of, { recursive: true, encoding: 'utf8' }).sort()
  const facts = entries.map((name) => [name, statSync(join(of, name), { throwIfNoEntry: false })] as const)
  return facts.map(([name, stat]) => `${name} ${stat?.mtimeMs} ${stat?.size}`).join('\n')
}
