import { $, element, toast } from "./dom.js";
import { call } from "./server.js";
import { here } from "./workspaces.js";

// Asks before something is done that cannot be undone, and says where. Resolves to null, or to what
// was filled in ({} without fields).
export function confirm_deed({ title, text = "", yes, fields = [], place = here() }) {
  $("ask-place").textContent = place;
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  const inputs = fields.map(({ label, name, value = "", ...attributes }) => {
    const input = element("input", { name: undefined, required: true, autocomplete: "off", ...attributes });
    input.name = name;
    input.value = value;
    return [input, element("label", { text: label }, input)];
  });
  $("ask-fields").replaceChildren(...inputs.map(([, label]) => label));
  const dialog = $("ask");
  dialog.returnValue = "no";
  dialog.showModal();
  (inputs[0]?.[0] ?? $("ask-yes")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "yes" ? Object.fromEntries(inputs.map(([i]) => [i.name, i.value])) : null),
      { once: true },
    );
  });
}

const deeds = {
  async notify() {
    const said = await confirm_deed({
      title: "Notify everybody who is connected",
      fields: [{ label: "Text", name: "text", maxlength: 4000 }],
      yes: "Send",
    });
    if (!said) return;
    await call("POST", "/api/broadcast", { type: "notification", payload: { text: said.text } });
    toast("sent");
  },
  async drain() {
    const said = await confirm_deed({
      title: "Drain this server?",
      place: "The whole server",
      text: "Clients are told to come back elsewhere, connections close over the drain's time, and then the process ends.",
      yes: "Drain",
    });
    if (!said) return;
    await call("POST", "/admin/drain", {});
    toast("draining");
  },
};

export function start_deeds() {
  $("ask-no").addEventListener("click", () => $("ask").close("no"));
  for (const button of document.querySelectorAll("[data-deed]"))
    button.addEventListener("click", () => deeds[button.dataset.deed]().catch((refused) => toast(refused.message)));
}
