# The reference side: random tiny models of every family by formula, PEFT training, golden numbers.
import os, sys, json, math, numpy as np, torch, transformers, peft
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config, Phi3Config, Gemma2Config, Gemma3TextConfig
from peft import LoraConfig, get_peft_model
torch.set_num_threads(1)
U=np.uint64
def mix(z):
    z=(z^(z>>U(30)))*U(0xBF58476D1CE4E5B9); z=(z^(z>>U(27)))*U(0x94D049BB133111EB); return z^(z>>U(31))
def fnv(s):
    h=0xCBF29CE484222325
    for b in s.encode(): h=((h^b)*0x100000001B3)&0xFFFFFFFFFFFFFFFF
    return h
def unit(name,n):
    i=np.arange(1,n+1,dtype=U); z=mix(U(fnv(name))+i*U(0x9E3779B97F4A7C15))
    return (z>>U(40)).astype(np.float32)/np.float32(2**23)-np.float32(1)
def value(name,shape,gemma,bf16=False):
    u=unit(name,int(np.prod(shape)))
    if 'norm' in name: v = np.float32(0.2)*u if gemma else np.float32(1)+np.float32(0.2)*u
    elif name.endswith('bias'): v=np.float32(0.1)*u
    else: v=np.float32(0.12)*u
    t=torch.from_numpy(v.astype(np.float32)).reshape(list(shape))
    return t.bfloat16() if bf16 else t
H=dict(hidden_size=64,num_hidden_layers=3,num_attention_heads=4,num_key_value_heads=2,vocab_size=320,intermediate_size=96,max_position_embeddings=256,rms_norm_eps=1e-5,bos_token_id=1,eos_token_id=2,pad_token_id=0)
def old(**k): return dict(H,**k)
llama3s=dict(rope_type="llama3",factor=8.0,low_freq_factor=1.0,high_freq_factor=4.0,original_max_position_embeddings=64)
F={
 'llama3':(LlamaConfig,old(model_type='llama',rope_theta=500000.0,rope_scaling=llama3s,tie_word_embeddings=False,hidden_act='silu')),
 'llama3_bf16':(LlamaConfig,old(model_type='llama',rope_theta=500000.0,rope_scaling=llama3s,tie_word_embeddings=False,hidden_act='silu')),
 'llama32_tied':(LlamaConfig,old(model_type='llama',rope_theta=500000.0,rope_scaling=dict(llama3s,factor=32.0),tie_word_embeddings=True,hidden_act='silu',head_dim=16)),
 'mistral':(MistralConfig,old(model_type='mistral',rope_theta=10000.0,sliding_window=16,tie_word_embeddings=False)),
 'mistral_nemo':(MistralConfig,old(model_type='mistral',rope_theta=1000000.0,sliding_window=None,head_dim=24,tie_word_embeddings=False)),
 'qwen2':(Qwen2Config,old(model_type='qwen2',rope_theta=1000000.0,use_sliding_window=False,sliding_window=32768,max_window_layers=21,tie_word_embeddings=True)),
 'qwen3':(Qwen3Config,old(model_type='qwen3',rope_theta=1000000.0,head_dim=32,attention_bias=False,use_sliding_window=False,sliding_window=None,max_window_layers=3,tie_word_embeddings=False,rope_scaling=None)),
 'phi3':(Phi3Config,old(model_type='phi3',rope_theta=10000.0,sliding_window=16,tie_word_embeddings=False,original_max_position_embeddings=256,rope_scaling=None)),
 'phi3_longrope':(Phi3Config,old(model_type='phi3',rope_theta=10000.0,sliding_window=262144,tie_word_embeddings=False,original_max_position_embeddings=32,rope_scaling=dict(type='longrope',short_factor=[1.0,1.05,1.1,1.2,1.3,1.4,1.6,1.9],long_factor=[1.1,1.5,2.0,3.1,4.5,7.0,11.0,19.0]))),
 'phi4':(Phi3Config,old(model_type='phi3',rope_theta=10000.0,sliding_window=262144,tie_word_embeddings=True,partial_rotary_factor=0.75,original_max_position_embeddings=32,rope_scaling=dict(type='longrope',short_factor=[1.0,1.0,1.1,1.2,1.3,1.4],long_factor=[1.0,1.2,2.0,3.1,8.5,16.0]))),
 'gemma2':(Gemma2Config,old(model_type='gemma2',rope_theta=10000.0,head_dim=24,query_pre_attn_scalar=20,attn_logit_softcapping=1.5,final_logit_softcapping=2.5,sliding_window=16,hidden_activation='gelu_pytorch_tanh',hidden_act='gelu_pytorch_tanh',cache_implementation='hybrid')),
 'gemma3':(Gemma3TextConfig,old(model_type='gemma3_text',num_hidden_layers=6,rope_theta=1000000.0,rope_local_base_freq=10000.0,head_dim=24,query_pre_attn_scalar=24,sliding_window=16,sliding_window_pattern=6,hidden_activation='gelu_pytorch_tanh',attn_logit_softcapping=None,final_logit_softcapping=None,rope_scaling=dict(rope_type='linear',factor=8.0))),
}
def load(fam, folder):
    """writes config.json (old spelling), lets transformers read it, fills weights by formula"""
    cls,c=F[fam]; os.makedirs(folder,exist_ok=True)
    c=dict(c,architectures=[{'llama':'LlamaForCausalLM','mistral':'MistralForCausalLM','qwen2':'Qwen2ForCausalLM','qwen3':'Qwen3ForCausalLM','phi3':'Phi3ForCausalLM','gemma2':'Gemma2ForCausalLM','gemma3_text':'Gemma3ForCausalLM'}[c['model_type']]],torch_dtype='bfloat16' if 'bf16' in fam else 'float32')
    json.dump(c,open(f'{folder}/config.json','w'),indent=1)
    cfg=AutoConfig.from_pretrained(folder); cfg._attn_implementation='eager'
    m=AutoModelForCausalLM.from_config(cfg,attn_implementation='eager').float().eval()
    gemma=c['model_type'].startswith('gemma'); sd={}
    for n,p in m.state_dict().items():
        if n=='lm_head.weight' and cfg.tie_word_embeddings: continue
        sd[n]=value(n,p.shape,gemma,'bf16' in fam)
    missing=m.load_state_dict({k:v.float() for k,v in sd.items()},strict=False); assert not missing.unexpected_keys,missing
    m.tie_weights(); return m,cfg,sd,c
def ids(step,rows=2,T=48,V=320):
    r=np.arange(rows,dtype=U)[:,None]; t=np.arange(T,dtype=U)[None,:]
    z=U(0xF00D)+((U(step)*U(64)+r)*U(1024)+t+U(1))*U(0x9E3779B97F4A7C15)
    return torch.from_numpy((mix(z)%U(V)).astype(np.int64))
def labels(x): l=x.clone(); l[0,:8]=-100; l[1,:13]=-100; return l
def wrap(m,fam,rslora=False):
    T=['qkv_proj','o_proj','gate_up_proj','down_proj'] if fam.startswith('phi') else ['q_proj','k_proj','v_proj','o_proj','gate_proj','up_proj','down_proj']
    pm=get_peft_model(m,LoraConfig(r=4,lora_alpha=8,lora_dropout=0.0,bias='none',task_type='CAUSAL_LM',target_modules=T,use_rslora=rslora))
    for n,p in pm.named_parameters():
        if 'lora_' in n:
            nm=n.replace('.default',''); s=np.float32(0.1 if 'lora_A' in nm else 0.05)
            p.data=torch.from_numpy(s*unit(nm,p.numel())).reshape(p.shape)
    return pm
f9=lambda x: float(f'{x:.9g}')
def probe(pm,x):
    with torch.no_grad(): L=pm(input_ids=x).logits.double()
    B,T,V=L.shape; out=[]
    for k in range(24):
        r,p=k%B,(k*7+3)%T
        out.append([f9(L[r,p,(j*37+p*11)%V].item()) for j in range(16)])
    return dict(max=f9(L.abs().max().item()),mean=f9(L.mean().item()),sumsq=f9((L*L).sum().item()),probe=out)
def sums(pm):
    return {n.replace('.default',''):[f9(p.double().sum().item()),f9((p.double()**2).sum().item())] for n,p in pm.named_parameters() if 'lora_' in n}
if __name__=='__main__':
    G=dict(versions=dict(torch=torch.__version__,transformers=transformers.__version__,peft=peft.__version__),families={})
    only=sys.argv[1:] or list(F)
    for fam in only:
        m,cfg,sd,c=load(fam,f'out/{fam}'); cfg.save_pretrained(f'out/{fam}/v5'); pm=wrap(m,fam); pm.train()
        g=dict(config=c,v5=json.load(open(f'out/{fam}/v5/config.json')),before=probe(pm,ids(0)),short=probe(pm,ids(0)[:, :24]))
        opt=torch.optim.AdamW([p for p in pm.parameters() if p.requires_grad],lr=2e-3,weight_decay=0.01); L=[]
        for s in range(50):
            x=ids(s); o=pm(input_ids=x,labels=labels(x)); o.loss.backward(); opt.step(); opt.zero_grad(); L.append(f9(o.loss.item()))
        g.update(losses=L,after=probe(pm,ids(0)),sums=sums(pm)); pm.save_pretrained(f'out/{fam}/peft_adapter')
        G['families'][fam]=g; print(fam,L[0],L[-1],flush=True)
    # clip, cosine with warm-up, accumulation, rslora
    m,_,_,_=load('llama3','out/llama3'); pm=wrap(m,'llama3',True); pm.train()
    opt=torch.optim.AdamW([p for p in pm.parameters() if p.requires_grad],lr=2e-3,weight_decay=0.01); sch=transformers.get_cosine_schedule_with_warmup(opt,5,50); L=[]; N=[]
    for s in range(50):
        xs=[ids(2*s),ids(2*s+1)]; n=sum((labels(x)[:,1:]!=-100).sum() for x in xs); tot=0
        for x in xs:
            o=pm(input_ids=x,labels=labels(x),num_items_in_batch=n); o.loss.backward(); tot+=o.loss.item()
        N.append(f9(torch.nn.utils.clip_grad_norm_([p for p in pm.parameters() if p.requires_grad],0.5).item())); opt.step(); sch.step(); opt.zero_grad(); L.append(f9(tot))
    G['schedule']=dict(losses=L,norms=N,after=probe(pm,ids(0)))
    json.dump(G,open('out/golden.json','w'),separators=(',',':')); print('written')
