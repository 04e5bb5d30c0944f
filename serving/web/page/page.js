import { COLOURS, spectrogram, timeline } from "./drawing.js";
import { RATE_HZ, base64, channel, decoded, wav, windows } from "./sound.js";

const WINDOW_S = 4, HOP_S = 2, AT_ONCE = 8, MOST_S = 30 * 60;
const WHY = {
  silence: "there is no sound", too_short: "it is too short", clipping: "it is clipped",
  no_speech: "there is no speech in it", unlike_training: "it is unlike what the model was trained on",
};
const find = (id) => document.getElementById(id);
let last = null;

function say(text, error = false) {
  find("state").textContent = text;
  find("state").classList.toggle("error", error);
}

async function ask(model, instances) {
  const body = JSON.stringify({ signature_name: "serve_audio", instances });
  const response = await fetch(`v1/models/${encodeURIComponent(model)}:predict`, { method: "POST", body });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer.predictions;
}

async function show(blob, name) {
  last = [blob, name];
  find("answer").hidden = true;
  try {
    say(`Reading ${name} …`);
    const samples = channel(await decoded(blob), find("channel").value);
    const durationS = samples.length / RATE_HZ;
    if (durationS > MOST_S) throw new Error("longer than 30 minutes: use ser predict --timeline");
    const model = find("model").value;
    const spans = windows(samples.length, WINDOW_S, HOP_S), rows = [];
    const [whole] = await ask(model, [{ b64: base64(wav(samples)) }]);
    for (let place = 0; place < spans.length; place += AT_ONCE) {
      say(`Asking ${model}: ${Math.min(place + AT_ONCE, spans.length)} of ${spans.length} windows …`);
      const part = spans.slice(place, place + AT_ONCE);
      const answers = await ask(model, part.map(([start, end]) => ({ b64: base64(wav(samples.subarray(start, end))) })));
      answers.forEach((answer, number) => rows.push({ ...answer, start: part[number][0] / RATE_HZ, end: part[number][1] / RATE_HZ }));
    }
    draw(blob, samples, durationS, whole, rows);
    say(`${name}, answered by ${model}.`);
  } catch (error) {
    const unreadable = error instanceof DOMException && error.name === "EncodingError";
    say(`${name}: ${unreadable ? "this browser cannot decode it; try a wav or mp3 file" : error.message}`, true);
  }
}

function draw(blob, samples, durationS, whole, rows) {
  const labels = whole.labels;
  find("emotion").textContent = whole.emotion;
  find("unsure").textContent = whole.unsure ? `unsure: ${WHY[whole.unsure] ?? whole.unsure}` : "";
  const order = labels.map((_, number) => number).sort((a, b) => whole.probabilities[b] - whole.probabilities[a]);
  find("probabilities").tBodies[0].replaceChildren(...order.map((number) => {
    const meter = Object.assign(document.createElement("meter"), { value: whole.probabilities[number] });
    return row([header(labels[number]), meter, whole.probabilities[number].toFixed(3)]);
  }));
  find("windows").tBodies[0].replaceChildren(...rows.map((each) => row([
    `${each.start.toFixed(1)} s`, `${each.end.toFixed(1)} s`, each.emotion,
    Math.max(...each.probabilities).toFixed(3), each.unsure ? WHY[each.unsure] ?? each.unsure : "",
  ])));
  find("legend").replaceChildren(...labels.map((label, number) => {
    const mark = document.createElement("i"), text = document.createElement("span");
    mark.style.background = COLOURS[number % COLOURS.length];
    text.append(mark, label);
    return text;
  }), rows.some((each) => each.unsure) ? "grey: unsure" : "");
  find("facts").textContent = `${durationS.toFixed(1)} s, of which the answer is of ${whole.heard_s.toFixed(1)} s in ${whole.windows} window(s) of ${whole.window_s.toFixed(1)} s; over time: windows of ${WINDOW_S} s, one every ${HOP_S} s.`;
  find("answer").hidden = false;
  URL.revokeObjectURL(find("player").src);
  find("player").src = URL.createObjectURL(blob);
  timeline(find("timeline"), rows, labels, durationS);
  spectrogram(find("spectrogram"), samples, RATE_HZ);
}

function header(text) {
  return Object.assign(document.createElement("th"), { textContent: text, scope: "row" });
}

function row(cells) {
  const found = document.createElement("tr");
  for (const cell of cells) {
    if (cell instanceof HTMLTableCellElement) found.append(cell);
    else found.insertCell().append(cell);
  }
  return found;
}

let recorder = null;
async function record() {
  if (recorder) return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      find("record").textContent = "Record";
      find("record").classList.remove("recording");
      show(new Blob(pieces), "what you recorded");
    };
    recorder.start();
    find("record").textContent = "Stop";
    find("record").classList.add("recording");
    say("Recording …");
  } catch (error) {
    say(`no microphone: ${error.message}`, true);
  }
}

async function start() {
  find("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) show(file, file.name);
    event.target.value = "";
  });
  find("record").addEventListener("click", record);
  for (const id of ["model", "channel"]) find(id).addEventListener("change", () => last && show(...last));
  const models = await (await fetch("models.json")).json();
  if (!models.length) return say("This server has no model yet; load the page again after ser run.", true);
  find("model").append(...models.map((name) => new Option(name, name)));
  find("model").disabled = false;
}

start().catch((error) => say(error.message, true));
