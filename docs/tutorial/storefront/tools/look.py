from transformers import AutoModel

model = AutoModel.from_pretrained("Qwen/Qwen2.5-VL-7B-Instruct")
