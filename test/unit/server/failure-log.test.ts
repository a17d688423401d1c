import type { FastifyBaseLogger } from 'fastify'
import { expect, test } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { FailureLog } from '../../../src/server/failure-log.js'

function logged(): { log: FailureLog; lines: string[] } {
  const lines: string[] = []
  const line = (level: string) => (facts: { count?: number }, text: string) =>
    void lines.push([level, text, facts.count].filter((part) => part !== undefined).join(' | '))
  const logger = { warn: line('warn'), error: line('error') } as unknown as FastifyBaseLogger
  return { log: new FailureLog(() => logger), lines }
}

test('a failure that passes by itself has one line a minute for each message, and then their count', () => {
  const { log, lines } = logged()
  const note = (code: 'UNAVAILABLE', message: string) => {
    const known = new VicinalError(code, message)
    log.note({}, { known, cause: known, peer: '127.0.0.1' })
  }
  for (let at = 0; at < 100; at++) note('UNAVAILABLE', 'the owner is away')
  note('UNAVAILABLE', 'no memory')
  expect(lines).toEqual(['warn | the owner is away', 'warn | no memory'])
  log.end()
  expect(lines.slice(2)).toEqual(['warn | within a minute: the owner is away | 100'])
  note('UNAVAILABLE', 'the owner is away')
  expect(lines.slice(3)).toEqual(['warn | the owner is away'])
})

test('a failure that stays is told each time', () => {
  const { log, lines } = logged()
  const known = new VicinalError('INTERNAL', 'a broken disk')
  for (let at = 0; at < 3; at++) log.note({}, { known, cause: known, peer: undefined })
  expect(lines).toEqual(Array(3).fill('error | a broken disk'))
})
