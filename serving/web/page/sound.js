// From a recording to samples, and from samples to wav files. Everything stays in the browser.

// Decoded at one rate, whatever the recording's: the server resamples as in training.
export const RATE_HZ = 48000;

export async function decoded(blob) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  return Array.from({ length: buffer.numberOfChannels }, (_, number) => buffer.getChannelData(number));
}

export function channel(channels, name) {
  if (name === "mix") {
    const mixed = new Float32Array(channels[0].length);
    for (const own of channels) own.forEach((value, place) => (mixed[place] += value / channels.length));
    return mixed;
  }
  const number = Number(name);
  if (number >= channels.length) throw new Error(`the recording has ${channels.length} channel`);
  const silent = (own) => own.every((value) => value === own[0]);
  if (silent(channels[number]) && !channels.every(silent)) {
    throw new Error("this channel is silent, and another one is not: choose that one");
  }
  return channels[number];
}

export function wav(samples) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (place, letters) => [...letters].forEach((letter, number) => view.setUint8(place + number, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, 2 * RATE_HZ, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, place) => {
    const scaled = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
    view.setInt16(44 + 2 * place, scaled, true);
  });
  return new Uint8Array(view.buffer);
}

export function base64(bytes) {
  let text = "";
  for (let place = 0; place < bytes.length; place += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(place, place + 0x8000));
  }
  return btoa(text);
}

// Where windows begin and end, in samples; the last one ends where the recording ends.
export function windows(length, windowS, hopS) {
  const size = Math.round(windowS * RATE_HZ), hop = Math.round(hopS * RATE_HZ);
  const last = Math.max(length - size, 0), found = [];
  for (let start = 0; start < last; start += hop) found.push([start, start + size]);
  return [...found, [last, length]];
}
