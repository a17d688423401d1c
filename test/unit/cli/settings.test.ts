import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseSettings, readKeys } from '../../../src/cli/parse-settings.js'
import { helpLines, IMPORT_SETTINGS, SERVE_SETTINGS } from '../../../src/cli/settings.js'
import { UsageError } from '../../../src/terminal/usage-error.js'

const folder = mkdtempSync(join(tmpdir(), 'vicinal-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, 0o600)
  return path
}

test('a flag beats the environment, which beats the settings file, which beats the default', () => {
  const config = file('a.json', '{"port": 1001, "host": "10.0.0.1", "allowHost": ["a.example"]}')
  const environment = { VICINAL_CONFIG: config, VICINAL_HOST: '10.0.0.2', VICINAL_PORT: '1002' }
  const settings = parseSettings(SERVE_SETTINGS, ['--port', '1003'], environment)
  expect(settings.integer('port')).toBe(1003)
  expect(settings.text('host')).toBe('10.0.0.2')
  expect(settings.list('allowHost')).toEqual(['a.example'])
  expect(settings.text('data')).toBe('./data')
})

test.each([
  [['--port', 'http'], '--port: expected a whole number, got http'],
  [['--port', '65536'], '--port: expected at most 65535, got 65536'],
  [['--no-such-flag'], "Unknown option '--no-such-flag'"],
  [['--api-key', 'secret'], "Unknown option '--api-key'"],
])('%j is refused with its name and value', (args, message) => {
  expect(() => parseSettings(SERVE_SETTINGS, args, {})).toThrow(new UsageError(message))
})

test('the settings file is refused if it is not a JSON object, or has an unknown key', () => {
  const parse = (text: string) => () => parseSettings(SERVE_SETTINGS, ['--config', file('b.json', text)], {})
  expect(parse('[]')).toThrow('expected an object')
  expect(parse('{')).toThrow('settings file')
  expect(parse('{"prot": 1}')).toThrow('unknown key prot')
  expect(parse('{"port": "x"}')).toThrow('settings file: port: expected a whole number, got x')
})

test('no secret can be given as a flag', () => {
  for (const table of [SERVE_SETTINGS, IMPORT_SETTINGS]) {
    const flags = Object.values(table).flatMap(({ flag }) => flag ?? [])
    expect(flags.filter((flag) => /key|secret|password|token/.test(flag) && !/-file$/.test(flag))).toEqual(
      ['tls-key'].filter((flag) => flags.includes(flag)),
    )
  }
})

test('keys come from environment and file, without blank lines and repeats; a file without keys is an error', () => {
  expect(readKeys('one, two', file('keys', 'two\n\nthree\n'))).toEqual(['one', 'two', 'three'])
  expect(() => readKeys(undefined, file('empty', '\n'))).toThrow('no key in it')
})

test('help names every flag, and every variable without a flag', () => {
  const help = helpLines(SERVE_SETTINGS).join('\n')
  for (const { flag, environment } of Object.values(SERVE_SETTINGS)) {
    expect(help).toContain(flag === null ? environment : `--${flag}`)
  }
})
