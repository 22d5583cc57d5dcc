"""What a person would write to draw one picture with diffusers: the cold start that ours is held against.

python first_picture.py UNET_FOLDER TEXT_ENCODER_FOLDER PROMPT CALLS OUT.png
"""

import sys

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from PIL import Image
from transformers import AutoModel, AutoTokenizer

unet_folder, encoder_folder, prompt, calls, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
encoder = AutoModel.from_pretrained(encoder_folder).eval()
unet = UNet2DConditionModel.from_pretrained(unet_folder).eval()
scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
scheduler.set_timesteps(int(calls))

with torch.no_grad():
    tokens = tokenizer([prompt, ""], padding="max_length", max_length=32, truncation=True, return_tensors="pt")
    states = encoder(**tokens).last_hidden_state
    size = unet.config.sample_size
    x = torch.randn(1, unet.config.in_channels, size, size, generator=torch.Generator().manual_seed(0))
    for t in scheduler.timesteps:
        predicted = unet(
            torch.cat([x, x]), t, encoder_hidden_states=states, encoder_attention_mask=tokens["attention_mask"].bool()
        ).sample
        with_caption, without = predicted.chunk(2)
        x = scheduler.step(without + 3.0 * (with_caption - without), t, x).prev_sample

pixels = ((x[0] + 1) / 2).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
Image.fromarray(pixels).save(out)
