import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { saveAs } from '../../parts/save'
import { bytes } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { useMay, useMayRead } from '../../service/rights'
import { ask, askPlain } from '../../service/session'

interface Snapshot {
  name: string
  creation_time: string | null
  size: number
}

/** The archive that a restore sends: a file of the user, or a snapshot that the service has. */
interface Source {
  name: string
  size: number
  read(): Promise<Blob>
}

interface Parts {
  path: string
  name: string
}

/** Makes, downloads, restores and deletes snapshots. */
export function SnapshotList({ path, name }: Parts) {
  const mayList = useMayRead('extras', name)
  if (mayList) return <Snapshots path={path} name={name} />
  return (
    <Section title="Snapshots">
      <p class="quiet">These rights do not list snapshots.</p>
    </Section>
  )
}

function Snapshots({ path, name }: Parts) {
  const listed = useAsked((signal) => ask<Snapshot[]>('GET', `${path}/snapshots`, undefined, signal), [path])
  const [error, setError] = useState<Error | null>(null)
  const mayMake = useMay('extras', name)
  const mayTake = useMay('all', name)
  const [isBusy, setIsBusy] = useState(false)
  const [deleted, setDeleted] = useState<string | null>(null)
  const [source, setSource] = useState<Source | null>(null)
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true)
    try {
      await work()
      setError(null)
      listed.again()
    } catch (failure) {
      setError(failure as Error)
    }
    setIsBusy(false)
  }
  // A link could not send the key, so the file passes through the page.
  const archive = async (file: string) => await (await askPlain(`${path}/snapshots/${file}`)).blob()
  const make = (
    <button
      type="button"
      hidden={!mayMake}
      disabled={isBusy}
      onClick={() => void run(() => ask('POST', `${path}/snapshots`))}
    >
      Make one
    </button>
  )
  return (
    <Section title="Snapshots" beside={make}>
      <ErrorLine error={error ?? listed.error} />
      <ul class="results">
        {listed.value?.map(({ name: file, size, creation_time }) => (
          <li key={file}>
            <span />
            <span>
              {file} <span class="quiet">{`${bytes(size)}, ${creation_time ?? ''}`}</span>
            </span>
            <span class="row">
              <button
                type="button"
                class="plain"
                hidden={!mayTake}
                onClick={() => void run(async () => saveAs(await archive(file), file))}
              >
                Download
              </button>
              <button
                type="button"
                class="danger"
                hidden={!mayTake}
                onClick={() => setSource({ name: file, size, read: () => archive(file) })}
              >
                Restore …
              </button>
              <button type="button" class="danger" hidden={!mayMake} onClick={() => setDeleted(file)}>
                Delete …
              </button>
            </span>
          </li>
        ))}
      </ul>
      <FromFile hidden={!mayTake} onSource={setSource} />
      {deleted !== null && (
        <Confirm
          title="Delete the snapshot"
          text="The collection stays. It cannot be restored from this snapshot any more."
          name={deleted}
          action="Delete it"
          run={async () => {
            await ask('DELETE', `${path}/snapshots/${deleted}`)
          }}
          onDone={() => {
            setDeleted(null)
            listed.again()
          }}
        />
      )}
      {source && <Restore path={path} name={name} source={source} onDone={() => setSource(null)} />}
    </Section>
  )
}

function FromFile({ hidden, onSource }: { hidden: boolean; onSource: (source: Source) => void }) {
  const choose = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const file = currentTarget.files?.[0]
    if (file) onSource({ name: file.name, size: file.size, read: async () => file })
    // The same file can be chosen again, as after a failure.
    currentTarget.value = ''
  }
  return (
    <label hidden={hidden}>
      Restore from a file
      <input type="file" onChange={choose} />
    </label>
  )
}

interface RestoreParts extends Parts {
  source: Source
  onDone: () => void
}

/** The archive is sent to the service, which knows no name of a place that it could read it from itself. */
function Restore({ path, name, source, onDone }: RestoreParts) {
  return (
    <Confirm
      title="Restore the collection"
      text={`All points of ${name} are replaced by those of ${source.name} (${bytes(source.size)}).`}
      name={name}
      action="Replace them"
      run={async () => {
        const form = new FormData()
        form.append('snapshot', await source.read(), source.name)
        await ask('POST', `${path}/snapshots/upload?priority=snapshot`, form)
      }}
      onDone={onDone}
    />
  )
}
